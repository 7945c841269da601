package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// anywhere are free ports.
var anywhere = []string{"-addr", "127.0.0.1:0", "-auth-addr", "127.0.0.1:0"}

var onceAnywhere = options{addr: "127.0.0.1:0", authAddr: "127.0.0.1:0", framework: "nethttp", once: true}

// curled are the token requests that a shell makes of curl commands: curl is a
// function there that prints its arguments.
func curled(t *testing.T, script, secret string) []devauth.TokenRequest {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-c", `curl() { printf '%s\0' "$@"; printf '\036'; }; `+script)
	shell.Env = append(os.Environ(), "SECRET="+secret)
	out, err := shell.Output()
	require.NoError(t, err, script)
	var requests []devauth.TokenRequest
	for command := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x1e"), "\x1e") {
		var request devauth.TokenRequest
		words := strings.Split(strings.TrimSuffix(command, "\x00"), "\x00")
		for i := 0; i < len(words); i++ {
			switch word := words[i]; word {
			case "-s":
			case "-X":
				i++
				require.Equal(t, "POST", words[i])
			case "-d", "-u", "-H", "--data-urlencode":
				i++
				request.Args = append(request.Args, word, words[i])
			default:
				require.Empty(t, request.URL, "a second address: %q", word)
				request.URL = word
			}
		}
		requests = append(requests, request)
	}
	return requests
}
