package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheReadmesTokenRequestsWork(t *testing.T) {
	t.Parallel()
	auth := testkit.Auth(t, devauth.Config{})
	script := regexp.MustCompile("(?s)```sh\n(# OKQ8.*?)```").FindStringSubmatch(readReadme(t))
	require.NotNil(t, script)
	for i, scheme := range devauth.Schemes {
		who, err := auth.Client(scheme, devauth.AllLevels)
		require.NoError(t, err)
		requests := curled(t, strings.ReplaceAll(script[1], "http://127.0.0.1:9000", auth.URL()), who.Secret)
		require.Len(t, requests, len(devauth.Schemes))
		assert.Contains(t, strings.Join(requests[i].Args, " "), who.ID, "the client that may do everything")

		r, err := requests[i].Request(t.Context())
		require.NoError(t, err)
		a := testkit.Do(t, r)
		assert.Equal(t, http.StatusOK, a.Status, scheme)
		assert.Regexp(t, `"access_token":"[^".]+\.[^".]+\.[^".]+"`, a.Body)
	}
}

func TestTheReadmeShowsHowToRunEachProgram(t *testing.T) {
	t.Parallel()
	text := readReadme(t)
	shown := map[string]bool{}
	for _, found := range regexp.MustCompile(`go run \./(\w+)`).FindAllStringSubmatch(text, -1) {
		shown[found[1]] = true
		_, err := os.Stat("../" + found[1] + "/main.go")
		assert.NoError(t, err)
	}
	programs, err := filepath.Glob("../*/main.go")
	require.NoError(t, err)
	assert.Len(t, shown, len(programs))
	for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1) {
		_, err := os.Stat("../" + link[1])
		assert.NoError(t, err, "a link of the README")
	}
}

func readReadme(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	return string(data)
}
