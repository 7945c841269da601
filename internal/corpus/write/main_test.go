package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, row := range map[string]struct {
		args   []string
		status int
		stdout string
		stderr string
	}{
		"a directory":              {[]string{dir}, 0, "corpus 1.0 is in " + dir, ""},
		"a directory below a file": {[]string{filepath.Join(file, "x")}, 1, "", "not a directory"},
		"no directory":             {nil, 2, "", "usage"},
	} {
		var stdout, stderr bytes.Buffer
		made := func() (map[string][]byte, error) { return map[string][]byte{"cases.jsonl": []byte("{}")}, nil }
		assert.Equal(t, row.status, run(row.args, made, &stdout, &stderr), name)
		assert.Contains(t, stdout.String(), row.stdout, name)
		assert.Contains(t, stderr.String(), row.stderr, name)
	}
	assert.FileExists(t, filepath.Join(dir, "cases.jsonl"))
}
