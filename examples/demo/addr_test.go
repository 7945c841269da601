package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every example can be started beside the demo, and beside the others.
func TestNoTwoExamplesListenAtTheSameAddress(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../*/*.go")
	require.NoError(t, err)
	taken := map[string]string{"127.0.0.1:9000": "the development authorization server"}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, found := range regexp.MustCompile(`(?:"(?:auth-)?addr", |\b[aA]ddr: |AuthAddr: )"([0-9.]+:[1-9][0-9]*)"`).FindAllSubmatch(source, -1) {
			addr, program := string(found[1]), filepath.Dir(file)
			assert.Empty(t, taken[addr], "%s listens at %s", program, addr)
			taken[addr] = program
		}
	}
	assert.Len(t, taken, 13) // quickstart, gin, chi, grpc, connect, observability, mcp with its server, orders with its server, demo with its server, mtls
}
