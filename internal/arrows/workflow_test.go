package arrows_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	step   = regexp.MustCompile(`(?m)^\s*(?:- )?run:(.*)$`)
	target = regexp.MustCompile(`(?m)^([a-z0-9-]+):(?:[^=]|$)`)
)

// What a forge runs can be run at home: steps call make and nothing else, and its targets exist.
func TestTheWorkflowCallsOnlyMake(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	require.NoError(t, err)
	targets := map[string]bool{}
	for _, found := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets[found[1]] = true
	}
	workflow, err := os.ReadFile(filepath.Join(repository, ".github", "workflows", "ci.yml"))
	require.NoError(t, err)

	steps := step.FindAllStringSubmatch(string(workflow), -1)
	require.NotEmpty(t, steps)
	for _, found := range steps {
		words := strings.Fields(found[1])
		if assert.NotEmpty(t, words, found[0]) && assert.Equal(t, "make", words[0], found[0]) {
			for _, word := range words[1:] {
				assert.True(t, targets[word] || strings.Contains(word, "="), "%s: no target %s", found[0], word)
			}
		}
	}
}
