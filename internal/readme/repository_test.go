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
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forbidden matches what would be true on one machine only, and private keys. No pattern matches itself.
var forbidden = map[string]*regexp.Regexp{
	"an absolute path of a machine": regexp.MustCompile(`(?:^|[^\w.~-])/(?:home|root|Users|wor[k])/|\b[A-Z]:\\+Users\\`),
	"a package registry's host": regexp.MustCompile(`(?i)\b(?:proxy|sum)\.golang[.]org|registry\.(?:npmjs|yarnpkg)[.]|` +
		`\b(?:deb|security)\.debian[.]org|\bfiles\.pythonhosted[.]org|\bpypi[.]org|\bcrates[.]io`),
	"a private key": regexp.MustCompile(`-----BEGIN (?:[A-Z]+ )?PRIVATE KEY[-]----`),
}

func TestNoFileNamesOneMachineOrARegistryOrHoldsAKey(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{ // the patterns match what they are for
		"an absolute path of a machine": "file:///" + "home/me/x",
		"a package registry's host":     "https://proxy.golang" + ".org",
		"a private key":                 "-----BEGIN RSA PRIVATE " + "KEY-----",
	} {
		require.Regexp(t, forbidden[what], text)
		require.NotRegexp(t, forbidden[what], "docs/home/page.md ./root/x https://example.com/home/page golang.org/x/sync")
	}
	files := repositoryFiles(t)
	require.Contains(t, files, ".ci/run")
	for name, text := range files {
		for what, pattern := range forbidden {
			if at := pattern.FindIndex(text); at != nil {
				assert.Fail(t, what, "%s:%d", name, 1+bytes.Count(text[:at[1]], []byte("\n")))
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
// from the root. Hidden directories are left out, but for those of builds.
func repositoryFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	tree := os.DirFS(root)
	require.NoError(t, fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		base := path.Base(name)
		hidden := strings.HasPrefix(base, ".") && name != "." && name != ".ci" && name != ".github"
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (hidden || name == "bin" || base == "node_modules"):
			return fs.SkipDir
		case !entry.Type().IsRegular() || base == ".env" || base == ".git" || regexp.MustCompile(`\.(test|out|prof)$|^coverage\.`).MatchString(base):
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err == nil && bytes.IndexByte(text, 0) < 0 { // not a picture
			files[name] = text
		}
		return err
	}))
	return files
}
