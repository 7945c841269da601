package readme_test

import (
	"os"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What integration/proxies runs is what the page shows.
func TestThePageOfProxiesShowsTheTestedFiles(t *testing.T) {
	t.Parallel()
	page := read(t, root+"docs/guide/proxies.md")
	files, err := os.ReadDir(root + "docs/guide/proxies")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text := read(t, path.Join(root, "docs/guide/proxies", file.Name()))
		assert.Contains(t, page, "\n"+text+"```\n", "the page shows another %s", file.Name())
	}
	_, code, found := strings.Cut(read(t, root+"integration/proxies/forwardauth.go"), ")\n\n")
	require.True(t, found)
	assert.Contains(t, page, "```go\n"+code+"```\n", "the page shows another forwardauth.go")
}
