package arrows_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	named   = regexp.MustCompile("`((?:Test|Fuzz|Example|Benchmark)[A-Z0-9]\\w*)`")
	defined = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example|Benchmark)\w+)\(`)
)

// A page that names a test as its proof must not outlive the test.
func TestTheProofsThatPagesNameExist(t *testing.T) {
	t.Parallel()
	tests, proofs := map[string]bool{}, map[string]int{}
	tree := os.DirFS(repository)
	require.NoError(t, walk(tree, func(name string) error {
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		switch {
		case strings.HasSuffix(name, "_test.go"):
			for _, found := range defined.FindAllSubmatch(text, -1) {
				tests[string(found[1])] = true
			}
		case name == "SECURITY.md" || name == "docs/trust.md":
			for _, found := range named.FindAllSubmatch(text, -1) {
				proofs[string(found[1])]++
			}
		}
		return nil
	}))
	require.Greater(t, len(proofs), 40, "the pages name their proofs")
	for name := range proofs {
		assert.True(t, tests[name], "%s is named as a proof and is no test", name)
	}
}
