package corpus_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/corpus"
)

// writtenByHand are the files of the corpus that no program makes.
var writtenByHand = []string{"README.md", "schema.json", "driver_test.go"}

// TestNothingChangesUnlessMeant compares each byte of the written corpus with what is made now.
func TestNothingChangesUnlessMeant(t *testing.T) {
	t.Parallel()
	files, err := made()
	require.NoError(t, err)
	written := map[string]bool{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			written[filepath.ToSlash(must(filepath.Rel(dir, path)))] = true
		}
		return err
	}))
	for _, name := range writtenByHand {
		assert.True(t, written[name], "%s is missing", name)
		delete(written, name)
	}
	for name, text := range files {
		if assert.True(t, written[name], "%s is not written: make corpus", name) {
			assert.True(t, bytes.Equal(text, read(t, name)), "%s is not what is made now: if that is meant, raise the version and run make corpus", name)
		}
		delete(written, name)
	}
	assert.Empty(t, written, "nothing makes these files: make corpus")
}

func TestWriteRemovesWhatIsNoLongerMade(t *testing.T) {
	t.Parallel()
	to := t.TempDir()
	old, kept := filepath.Join(to, "keys", "old.json"), filepath.Join(to, "README.md")
	require.NoError(t, os.MkdirAll(filepath.Dir(old), 0o700))
	require.NoError(t, os.WriteFile(old, []byte("{}"), 0o600))
	require.NoError(t, os.WriteFile(kept, []byte("x"), 0o600))
	files, err := made()
	require.NoError(t, err)
	require.NoError(t, corpus.Write(to, files))
	assert.NoFileExists(t, old)
	assert.FileExists(t, kept)
	text, err := os.ReadFile(filepath.Join(to, "cases.jsonl"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(text, files["cases.jsonl"]), "as it was made")
	assert.Error(t, corpus.Write(filepath.Join(kept, "below a file"), files))
}

// TestThereIsEnough holds the numbers that README.md names, and that no name and no file is there for nothing.
func TestThereIsEnough(t *testing.T) {
	t.Parallel()
	own, good, names, used := 0, 0, map[string]bool{}, map[string]bool{}
	for _, c := range cases(t) {
		assert.False(t, names[c.Name], "two cases are called %q", c.Name)
		names[c.Name] = true
		used["keys/"+c.Keys], used["policies/"+c.Policy] = true, true
		if c.Variant == "" {
			own++
		}
		if c.Verdict == corpus.Good {
			good++
		}
	}
	assert.GreaterOrEqual(t, len(names), 700)
	assert.GreaterOrEqual(t, own, 500, "variants by algorithm are not counted")
	assert.GreaterOrEqual(t, good, 60, "refusing everything must be no success")
	files, err := made()
	require.NoError(t, err)
	for name := range files {
		if strings.Contains(name, "/") {
			assert.True(t, used[name], "no case uses %s", name)
		}
	}
}

// TestKeysAreMarked finds on each key set, and each key that signs, that they are for tests.
func TestKeysAreMarked(t *testing.T) {
	t.Parallel()
	files, err := made()
	require.NoError(t, err)
	for name, text := range files {
		if !strings.HasPrefix(name, "keys/") || strings.HasPrefix(name, "keys/broken-") {
			continue
		}
		var set struct {
			Note string           `json:"note"`
			Keys []map[string]any `json:"keys"`
		}
		require.NoError(t, json.Unmarshal(text, &set), name)
		assert.Contains(t, set.Note, "TEST KEYS", name)
	}
	for _, key := range keysOf(t, files["keys/issuer.json"]) {
		assert.Regexp(t, `^test-`, key["kid"])
	}
}

func keysOf(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	require.NoError(t, json.Unmarshal(text, &set))
	require.NotEmpty(t, set.Keys)
	return set.Keys
}
