// Package variables reads what the environment variables SALLYPORT_* share
// between the library and its command: which there are, and how one is written.
package variables

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/providers"
)

// known returns all variables that are read.
func known() []string {
	names := []string{"SALLYPORT_PROVIDER", "SALLYPORT_PROFILE", "SALLYPORT_DANGEROUSLY_PLAIN_HTTP", leeway, ignore}
	for _, f := range setting.Fields(&providers.Settings{}) {
		names = append(names, f.Env)
	}
	return names
}

const (
	prefix = "SALLYPORT_"
	leeway = "SALLYPORT_LEEWAY"
	ignore = "SALLYPORT_IGNORE"
)

// Leeway returns what SALLYPORT_LEEWAY says, and false if it is not set.
func Leeway() (d time.Duration, set bool, err error) {
	text := os.Getenv(leeway)
	if text == "" {
		return 0, false, nil
	}
	d, err = time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, false, fmt.Errorf("sallyport: %s is %.100q: give a duration such as 30s", leeway, text)
	}
	return d, true, nil
}

// injected are the variables that Kubernetes sets in every pod for each service
// of the namespace, here for those called sallyport or sallyport-anything.
//
// Kubernetes, Service, environment variables: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
var injected = regexp.MustCompile(`^SALLYPORT(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// Unknown reports variables of the environment that look like ours and are not
// read: a misspelt SALLYPORT_CLIENTS would open the API to all clients. It also
// reports entries of SALLYPORT_IGNORE that can match none.
func Unknown() error {
	expected := slices.Concat(known(), strings.Fields(os.Getenv(ignore)))
	var problems []error
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if runtime.GOOS == "windows" { // where names have no case
			name = strings.ToUpper(name)
		}
		if !ours(name) || slices.Contains(expected, name) || injected.MatchString(name) {
			continue
		}
		problems = append(problems, fmt.Errorf("sallyport: the environment variable %.100q is unknown: is %s meant? What is not for this program goes into %s", name, nearest(name), ignore))
	}
	return errors.Join(append(problems, checkIgnored())...)
}

// ours reports whether a name may be meant for us, whatever its case and
// its separator.
func ours(name string) bool {
	n := len(prefix)
	return len(name) >= n && strings.EqualFold(name[:n-1], prefix[:n-1]) && strings.ContainsRune("_-.", rune(name[n-1]))
}

// checkIgnored reports entries of SALLYPORT_IGNORE that can match no variable. A
// name that is read is none of them: a later version may read what an earlier
// one has to ignore.
func checkIgnored() error {
	var problems []error
	for name := range strings.FieldsSeq(os.Getenv(ignore)) {
		if !ours(name) || strings.ContainsAny(name, "*?=") {
			problems = append(problems, fmt.Errorf("sallyport: the environment variable %s holds %.100q: give whole names that begin with %s", ignore, name, prefix))
		}
	}
	return errors.Join(problems...)
}

// nearest returns the variable that a name was probably meant to be: one that
// holds its words or is held by them, else the one with the fewest typing
// mistakes between them.
func nearest(name string) string {
	word := words(name)
	return slices.MinFunc(known(), func(a, b string) int { return cmp.Compare(distance(word, words(a)), distance(word, words(b))) })
}

// words returns what is specific in the name of a variable.
func words(name string) string {
	return strings.ReplaceAll(strings.ToUpper(name[len(prefix):]), "-", "_")
}

// distance is how many typing mistakes lie between two words, where to leave out
// one end of a word is a small one.
func distance(a, b string) int {
	typed := edits(a, b)
	const shortest = 3 // that says something
	if min(len(a), len(b)) >= shortest && (strings.Contains(a, b) || strings.Contains(b, a)) {
		return min(20+typed, 10*typed)
	}
	return 10 * typed
}

// edits returns the number of letters to insert, remove or replace, or of
// neighbours to exchange, that makes one word of another (the optimal string
// alignment distance).
func edits(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			differ := 1
			if a[i-1] == b[j-1] {
				differ = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+differ)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
