package servers

import (
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/daemon"
	"github.com/sallyport-go/sallyport/integration/internal/process"
)

// small is a program of ours around a library. It keeps its keys in a file, and
// changes them at POST /control/rotate.
type small struct {
	facts   Facts
	address string
	command []string // with its arguments
	dir     string
	process *process.Process
}

// Facts implements Server.
func (s *small) Facts() Facts { return s.facts }

// Start implements Server.
func (s *small) Start(t *testing.T) {
	t.Helper()
	s.process = process.Start(t, s.dir, nil, s.command[0], s.command[1:]...)
	s.process.Await(t, "its keys", func() bool { return process.Answers(s.facts.JWKSURL) })
}

// Stop implements Server.
func (s *small) Stop() { s.process.Stop() }

// Rotate implements Server.
func (s *small) Rotate(t *testing.T, alg string) {
	t.Helper()
	s.control(t, "rotate?alg="+alg)
}

// Retire takes back all keys but the newest.
func (s *small) Retire(t *testing.T) {
	t.Helper()
	s.control(t, "retire")
}

func (s *small) control(t *testing.T, what string) {
	t.Helper()
	status, body := send(t, http.MethodPost, "http://"+s.address+"/control/"+what, "")
	require.Equal(t, http.StatusNoContent, status, body)
}

// known returns what the small servers have in common.
func known(address string) Facts {
	issuer := "http://" + address
	return Facts{
		Issuer: issuer, Audience: daemon.Audience, TokenURL: issuer + "/token", JWKSURL: issuer + "/jwks",
		ClientID: daemon.Reader, Secret: daemon.ReaderSecret,
	}
}

// asking returns the parameters of a token request. The one called by names the
// API, and is left out where there is none.
func asking(scope, by, audience string) url.Values {
	v := url.Values{"scope": {scope}}
	if by != "" {
		v.Set(by, audience)
	}
	return v
}

// library returns the program around a Go library.
func library(t *testing.T, name string) *small {
	t.Helper()
	program, err := built(t, name)
	if err != nil {
		Report.Missing(t, name, err.Error())
	}
	dir, address := t.TempDir(), process.FreeAddr(t)
	return &small{facts: known(address), address: address, dir: dir, command: []string{program, "-addr", address, "-keys", filepath.Join(dir, "keys.json")}}
}

// send sends a request with a JSON body, "" for none, and returns the answer.
func send(t *testing.T, method, to, body string) (status int, answer string) {
	t.Helper()
	return sendWith(t, http.DefaultClient, method, to, body)
}

func sendWith(t *testing.T, client *http.Client, method, to, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	require.NoError(t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode, string(text)
}
