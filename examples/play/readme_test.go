package main

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The README's curl lines, in its order, are for these clients.
var readmeClients = []devauth.Scheme{devauth.OKQ8, devauth.Messaging, devauth.Bokbasen}

func TestTheReadmesTokenRequestsWork(t *testing.T) {
	t.Parallel()
	auth, err := devauth.Start("127.0.0.1:0", devauth.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = auth.Close() })

	lines := readmeCurls(t)
	require.Len(t, lines, len(readmeClients))
	for i, scheme := range readmeClients {
		who, err := auth.Client(scheme, devauth.AllLevels)
		require.NoError(t, err)
		secret, err := auth.Secret(scheme, who.ID)
		require.NoError(t, err)
		assert.Contains(t, lines[i], who.ID, "the client that may do everything")

		command, err := readCurl(strings.NewReplacer("$SECRET", secret, "http://127.0.0.1:9000", auth.URL()).Replace(lines[i]))
		require.NoError(t, err)
		r, err := command.request(t.Context())
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		var answer struct {
			Token string `json:"access_token"`
		}
		assert.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
		assert.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusOK, resp.StatusCode, lines[i])
		assert.Equal(t, 2, strings.Count(answer.Token, "."))
	}
}

// readmeCurls are the README's token requests, in the form that the play's own
// lines have: what double quotes hold stands alone, and POST is said.
func readmeCurls(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	text := regexp.MustCompile(`(?s)\x60\x60\x60sh\n(# OKQ8.*?)\x60\x60\x60`).FindStringSubmatch(string(data))
	require.NotNil(t, text)
	joined := regexp.MustCompile(`\\?\n  `).ReplaceAllString(text[1], " ")
	joined = regexp.MustCompile(`"([a-z_-]+[=:]\$SECRET)"`).ReplaceAllString(joined, "$1")
	var lines []string
	for line := range strings.Lines(joined) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "curl -s "); ok {
			lines = append(lines, "curl -s -X POST "+rest)
		}
	}
	return lines
}
