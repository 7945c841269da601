package corpus_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/internal/corpus"
)

// dir is where the written corpus is.
const dir = "../../corpus"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// made are the files as they are made now: it takes seconds.
var made = sync.OnceValues(corpus.Files)

// read returns a written file.
func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	require.NoError(t, err)
	return text
}

// lines returns the lines of the written corpus.
func lines(t *testing.T) (out [][]byte) {
	t.Helper()
	scanner := bufio.NewScanner(bytes.NewReader(read(t, "cases.jsonl")))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		out = append(out, bytes.Clone(scanner.Bytes()))
	}
	require.NoError(t, scanner.Err())
	return out
}

// cases returns the cases of the written corpus.
func cases(t *testing.T) (out []corpus.Case) {
	t.Helper()
	for _, line := range lines(t) {
		var c corpus.Case
		require.NoError(t, json.Unmarshal(line, &c))
		out = append(out, c)
	}
	return out
}

// document serves one document for every address.
type document []byte

func (d document) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(d)), Request: r,
	}, nil
}
