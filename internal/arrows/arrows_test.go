package arrows_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// repository is the root of the tree that these tests are part of.
const repository = "../.."

func TestEveryImportFollowsTheArrows(t *testing.T) {
	t.Parallel()
	module, files, err := readSources(os.DirFS(repository))
	require.NoError(t, err)

	require.Contains(t, pathsOf(files), "internal/arrows/arrows_test.go", "the walk must have seen this file")
	for _, violation := range violations(module, files) {
		assert.Fail(t, violation)
	}
}

func TestAnImportAgainstAnArrowIsFound(t *testing.T) {
	t.Parallel()
	const m = "example.org/house"
	for name, row := range map[string]struct {
		file, imports string
		want          string // empty: allowed
	}{
		"claims know reasons":                       {"claims/a.go", m + "/reason", ""},
		"claims know no keys":                       {"claims/a.go", m + "/jwks", "claims/a.go: must not import " + m + "/jwks"},
		"claims know no JOSE":                       {"claims/a.go", m + "/internal/jose", "claims/a.go: must not import " + m + "/internal/jose"},
		"claims know no telemetry":                  {"claims/a.go", otel + "/trace", "claims/a.go: must not import " + otel + "/trace"},
		"claims know no HTTP":                       {"claims/a.go", "net/http", "claims/a.go: must not import net/http"},
		"keys know no claims":                       {"jwks/a.go", m + "/claims", "jwks/a.go: must not import " + m + "/claims"},
		"keys know no verifier":                     {"jwks/a.go", m + "/verifier", "jwks/a.go: must not import " + m + "/verifier"},
		"keys know no middleware":                   {"jwks/a.go", m + "/middleware", "jwks/a.go: must not import " + m + "/middleware"},
		"keys may fetch":                            {"jwks/a.go", "net/http", ""},
		"reasons are a leaf":                        {"reason/a.go", m + "/claims", "reason/a.go: must not import " + m + "/claims"},
		"JOSE may use jwx":                          {"internal/jose/a.go", jwx + "/jws", ""},
		"JOSE may not move to jwx v3 unnoticed":     {"internal/jose/a.go", "github.com/lestrrat-go/jwx/v3/jws", "internal/jose/a.go: must not import github.com/lestrrat-go/jwx/v3/jws"},
		"the verifier may not use jwx":              {"verifier/a.go", jwx + "/jwt", "verifier/a.go: must not import " + jwx + "/jwt"},
		"a test may not use jwx":                    {"verifier/a_test.go", jwx + "/jwt", "verifier/a_test.go: must not import " + jwx + "/jwt"},
		"the verifier sees no request":              {"verifier/a.go", "net/http", "verifier/a.go: must not import net/http"},
		"nor a part of net/http":                    {"verifier/a.go", "net/http/httptrace", "verifier/a.go: must not import net/http/httptrace"},
		"its tests may serve keys":                  {"verifier/a_test.go", "net/http/httptest", ""},
		"the verifier knows no middleware":          {"verifier/a.go", m + "/middleware", "verifier/a.go: must not import " + m + "/middleware"},
		"the Guard knows no adapter":                {"middleware/a.go", m + "/adapters/ginauth", "middleware/a.go: must not import " + m + "/adapters/ginauth"},
		"the Guard knows no framework":              {"middleware/a.go", gin, "middleware/a.go: must not import " + gin},
		"gin stays in its adapter":                  {"adapters/ginauth/a.go", gin, ""},
		"an adapter knows no verifier":              {"adapters/ginauth/a.go", m + "/verifier", "adapters/ginauth/a.go: must not import " + m + "/verifier"},
		"production code stays away from jwkstest":  {"middleware/a.go", m + "/jwks/jwkstest", "middleware/a.go: must not import " + m + "/jwks/jwkstest"},
		"tests may use jwkstest":                    {"middleware/a_test.go", m + "/jwks/jwkstest", ""},
		"tests may assert":                          {"claims/a_test.go", "github.com/stretchr/testify/assert", ""},
		"production code may not":                   {"claims/a.go", "github.com/stretchr/testify/assert", "claims/a.go: must not import github.com/stretchr/testify/assert"},
		"a look-alike path is another module":       {"claims/a.go", m + "-evil/reason", "claims/a.go: must not import " + m + "-evil/reason"},
		"the front door composes":                   {"sallyport.go", m + "/providers", ""},
		"the command uses the front door":           {"cmd/sallyport/a.go", m, ""},
		"no room uses the front door":               {"providers/a.go", m, "providers/a.go: must not import " + m},
		"bytes as a string in their own room":       {"internal/view/a.go", "unsafe", ""},
		"and nowhere else":                          {"verifier/a.go", "unsafe", "verifier/a.go: must not import unsafe"},
		"a package without a row":                   {"attic/a.go", "fmt", "attic/a.go: its package has no row in the house: add one that says what it may import"},
		"a nested module uses what is public":       {"examples/a.go", m + "/claims", ""},
		"a nested module has internals of its own":  {"examples/a.go", m + "/examples/internal/devauth", ""},
		"a nested module stays out of our internal": {"examples/deep/a.go", m + "/internal/jose", "examples/deep/a.go: a nested module must not import " + m + "/internal/jose"},
		"and so do its tests":                       {"examples/a_test.go", m + "/internal/jose", "examples/a_test.go: a nested module must not import " + m + "/internal/jose"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			module, files, err := readSources(fstest.MapFS{
				"go.mod":          {Data: []byte("module " + m + "\n")},
				"examples/go.mod": {Data: []byte("module " + m + "/examples\n")},
				row.file:          {Data: []byte("//go:build never\n\npackage a\n\nimport _ \"" + row.imports + "\"\n")},
			})
			require.NoError(t, err)

			found := violations(module, files)
			if row.want == "" {
				assert.Empty(t, found)
			} else {
				assert.Equal(t, []string{row.want}, found)
			}
		})
	}
}

// The switch to another release line of jwx is to cost one file.
func TestOneFileKnowsJWX(t *testing.T) {
	t.Parallel()
	_, files, err := readSources(os.DirFS(repository))
	require.NoError(t, err)

	var v2, v3 []string
	for _, file := range files {
		if file.module != "." && !strings.HasPrefix(file.path, "internal/") {
			continue // the nested modules of peers and examples may know it
		}
		if slices.ContainsFunc(file.imports, func(i string) bool { return within(i, jwx) }) {
			v2 = append(v2, file.path)
		}
		if slices.ContainsFunc(file.imports, func(i string) bool { return within(i, jwxNext) }) {
			v3 = append(v3, file.path)
		}
	}
	assert.Equal(t, []string{"internal/jose/jwx.go"}, v2)
	assert.Empty(t, v3)
}

func pathsOf(files []source) (paths []string) {
	for _, file := range files {
		paths = append(paths, file.path)
	}
	return paths
}
