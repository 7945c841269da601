package readme_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forbidden is what no file may hold. No pattern and no clue matches itself.
type forbidden struct {
	what    string
	clues   []string // lower case; a line without any of them does not match, and is not searched
	pattern *regexp.Regexp
	samples []string // one for each thing the pattern is for
}

// forbiddenTexts are true on one machine only, or are private keys.
var forbiddenTexts = []forbidden{
	{
		"an absolute path of a machine",
		[]string{"/hom" + "e/", "/roo" + "t/", "/user" + "s/", "/wor" + "k/", `:\`},
		regexp.MustCompile(`(?:^|[^\w.~-])/(?:home|root|Users|wor[k])/|\b[A-Z]:\\+Users\\`),
		[]string{"file:///" + "home/me/x", "in /" + "root/x", `"/` + `Users/me"`, "/wor" + "k/main", `C:\` + `Users\me`, `C:\\` + `Users\\me`},
	},
	{
		"a package registry's host",
		[]string{".golang", "registry.", ".debian", ".pythonhosted", "pypi.", "crates."},
		regexp.MustCompile(`(?i)\b(?:proxy|sum)\.golang[.]org|registry\.(?:npmjs|yarnpkg)[.]|` +
			`\b(?:deb|security)\.debian[.]org|\bfiles\.pythonhosted[.]org|\bpypi[.]org|\bcrates[.]io`),
		[]string{
			"https://proxy.golang" + ".org", "SUM.golang" + ".org", "registry.npmjs" + ".org", "registry.yarnpkg" + ".com",
			"deb.debian" + ".org", "security.debian" + ".org", "files.pythonhosted" + ".org", "pypi" + ".org", "Crates" + ".io",
		},
	},
	{
		"a private key",
		[]string{"private key"},
		regexp.MustCompile(`-----BEGIN (?:[A-Z]+ )?PRIVATE KEY[-]----`),
		[]string{"-----BEGIN RSA PRIVATE " + "KEY-----", "-----BEGIN PRIVATE " + "KEY-----"},
	},
}

// line returns the first line of a text that matches, 0 for none. Searching the
// whole tree for the pattern itself would take the race detector 15 s.
func (f forbidden) line(text []byte) int {
	lower := bytes.ToLower(text)
	if !slices.ContainsFunc(f.clues, func(clue string) bool { return bytes.Contains(lower, []byte(clue)) }) {
		return 0
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		lower := bytes.ToLower(line)
		if slices.ContainsFunc(f.clues, func(clue string) bool { return bytes.Contains(lower, []byte(clue)) }) && f.pattern.Match(bytes.TrimSuffix(line, []byte("\n"))) {
			return n
		}
	}
	return 0
}

func TestNoFileNamesOneMachineOrARegistryOrHoldsAKey(t *testing.T) {
	t.Parallel()
	files := repositoryFiles(t)
	require.Contains(t, files, ".ci/run")
	for _, f := range forbiddenTexts {
		for _, sample := range f.samples {
			require.Equal(t, 2, f.line([]byte("first\n"+sample+"\nlast\n")), sample)
		}
		require.Zero(t, f.line([]byte("docs/home/page.md ./root/x https://example.com/home/page golang.org/x/sync")))
		for name, text := range files {
			if n := f.line(text); n > 0 {
				assert.Fail(t, f.what, "%s:%d", name, n)
			}
		}
	}
}

var (
	namedTest   = regexp.MustCompile("`((?:Test|Fuzz|Example|Benchmark)[A-Z0-9]\\w*)`")
	definedTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example|Benchmark)\w+)\(`)
)

func TestTheTestsThatPagesNameExist(t *testing.T) {
	t.Parallel()
	defined, named := map[string]bool{}, map[string]string{}
	for name, text := range repositoryFiles(t) {
		switch {
		case strings.HasSuffix(name, "_test.go"):
			for _, found := range definedTest.FindAllSubmatch(text, -1) {
				defined[string(found[1])] = true
			}
		case path.Ext(name) == ".md" && name != "CHANGELOG.md":
			for _, found := range namedTest.FindAllSubmatch(text, -1) {
				named[string(found[1])] = name
			}
		}
	}
	require.Greater(t, len(named), 40)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		assert.True(t, defined[name], "%s names %s, which is no test", named[name], name)
	}
}

func makeTargets(t *testing.T) map[string]bool {
	t.Helper()
	targets := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^([a-z-]+):(?:[^=]|$)`).FindAllStringSubmatch(read(t, root+"Makefile"), -1) {
		targets[found[1]] = true
	}
	return targets
}

// The steps of the workflow call make and nothing else, so that they can be run on any machine.
func TestTheWorkflowCallsOnlyMake(t *testing.T) {
	t.Parallel()
	targets := makeTargets(t)
	steps := regexp.MustCompile(`(?m)^\s*(?:- )?run: *(.*)$`).FindAllStringSubmatch(read(t, root+".github/workflows/ci.yml"), -1)
	require.NotEmpty(t, steps)
	for _, step := range steps {
		command, words, _ := strings.Cut(step[1], " ")
		assert.Equal(t, "make", command)
		for _, word := range strings.Fields(words) {
			assert.True(t, targets[word] || strings.Contains(word, "="), "no target %s", word)
		}
	}
}

// repositoryFiles returns the text files that git would commit, by their path
// from the root. Hidden directories are left out, but for those of builds. The
// map is shared between the tests, which only read it.
func repositoryFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := readRepository()
	require.NoError(t, err)
	return files
}

var built = regexp.MustCompile(`\.(test|out|prof)$|^coverage\.`)

var readRepository = sync.OnceValues(func() (map[string][]byte, error) {
	files := map[string][]byte{}
	tree := os.DirFS(root)
	return files, fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		base := path.Base(name)
		hidden := strings.HasPrefix(base, ".") && name != "." && name != ".ci" && name != ".github"
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (hidden || name == "bin" || base == "node_modules"):
			return fs.SkipDir
		case !entry.Type().IsRegular() || base == ".env" || base == ".git" || built.MatchString(base):
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err == nil && bytes.IndexByte(text, 0) < 0 { // not a picture
			files[name] = text
		}
		return err
	})
})
