package arrows_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forbidden is what no file may contain: it would be true on one machine only, or send a build somewhere that its owner
// did not choose. Each pattern is written so that it does not match itself.
var forbidden = map[string]*regexp.Regexp{
	"an absolute path of a machine": regexp.MustCompile(`(?:^|[^\w.~-])/(?:home|root|Users|wor[k])/|\b[A-Z]:\\+Users\\`),
	"a package registry's host": regexp.MustCompile(`(?i)\b(?:proxy|sum)\.golang[.]org|registry\.(?:npmjs|yarnpkg)[.]|` +
		`\b(?:deb|security)\.debian[.]org|\bfiles\.pythonhosted[.]org|\bpypi[.]org|\bcrates[.]io`),
	"a private key": regexp.MustCompile(`-----BEGIN (?:[A-Z]+ )?PRIVATE KEY[-]----`),
}

func TestNoFileNamesOneMachineOrARegistryOrHoldsAKey(t *testing.T) {
	t.Parallel()
	seen, found, err := badWords(os.DirFS(repository))
	require.NoError(t, err)

	require.Contains(t, seen, "go.mod", "the walk must have seen the root")
	require.Contains(t, seen, ".ci/run", "the walk must have seen what builds the project")
	for _, violation := range found {
		assert.Fail(t, violation)
	}
}

func TestAForbiddenWordIsFound(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		text string
		want string // empty: allowed
	}{
		"a home directory":             {"see /" + "home/me/x", "an absolute path of a machine"},
		"a home directory in a URL":    {"file:///" + "root/x", "an absolute path of a machine"},
		"a Mac's home directory":       {"'/" + "Users/me'", "an absolute path of a machine"},
		"a Windows home directory":     {`C:` + `\Users\me`, "an absolute path of a machine"},
		"a module proxy":               {"GOPROXY=https://proxy.golang" + ".org", "a package registry's host"},
		"a registry in a lock file":    {"https://registry.npmjs" + ".org/x", "a package registry's host"},
		"a private key":                {"-----BEGIN RSA PRIVATE " + "KEY-----", "a private key"},
		"a path inside the repository": {"docs/home/page.md ./root/x", ""},
		"a page at a host":             {"https://example.com/home/page", ""},
		"a module":                     {"golang.org/x/sync", ""},
		"a public key":                 {"-----BEGIN PUBLIC KEY-----", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, found, err := badWords(fstest.MapFS{"a.md": {Data: []byte("first\n" + row.text + "\n")}})
			require.NoError(t, err)

			if row.want == "" {
				assert.Empty(t, found)
			} else {
				assert.Equal(t, []string{"a.md:2: has " + row.want}, found)
			}
		})
	}
}

func badWords(tree fs.FS) (seen, found []string, err error) {
	err = walk(tree, func(name string) error {
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		seen = append(seen, name)
		if bytes.IndexByte(text, 0) >= 0 { // a picture
			return nil
		}
		for what, pattern := range forbidden {
			if at := pattern.FindIndex(text); at != nil {
				found = append(found, fmt.Sprintf("%s:%d: has %s", name, 1+bytes.Count(text[:at[1]], []byte("\n")), what))
			}
		}
		return nil
	})
	return seen, found, err
}
