package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every example can be started beside the demo, and beside the others.
func TestNoTwoExamplesListenAtTheSameAddress(t *testing.T) {
	t.Parallel()
	programs, err := filepath.Glob("../*/main.go")
	require.NoError(t, err)
	require.Greater(t, len(programs), 4)
	taken := map[string]string{"127.0.0.1:9000": "the development authorization server"}
	for _, program := range programs {
		source, err := os.ReadFile(program)
		require.NoError(t, err)
		for _, found := range regexp.MustCompile(`(?:"addr", |\bAddr: |AuthAddr: )"([0-9.]+:[0-9]+)"`).FindAllSubmatch(source, -1) {
			addr := string(found[1])
			assert.Empty(t, taken[addr], "%s listens at %s", program, addr)
			taken[addr] = program
		}
	}
	assert.Len(t, taken, 8) // quickstart, gin, chi, orders with its server, demo with its server, mtls
}
