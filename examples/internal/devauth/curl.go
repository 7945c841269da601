package devauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// TokenRequest is a documented token request, in curl's words. It holds the
// client's secret: it is for a terminal, never for a log.
type TokenRequest struct {
	URL  string
	Args []string // flags, each followed by its value
}

// TokenRequest returns a client's documented request for a token of its first
// audience.
func (s *Server) TokenRequest(c Client) TokenRequest {
	t := TokenRequest{Args: []string{"-d", "grant_type=" + clientCredentials}}
	switch c.Scheme {
	case OKQ8:
		t.URL = s.issuers[0].info.TokenURL
		t.Args = append(t.Args, "-d", "client_id="+c.ID, "--data-urlencode", "client_secret="+c.Secret, "--data-urlencode", "scope="+c.Audiences[0]+"/"+defaultScope)
	case Messaging:
		t.URL = s.issuers[1].info.TokenURL
		t.Args = append([]string{"-u", c.ID + ":" + c.Secret}, t.Args...)
	case Bokbasen:
		t.URL = s.issuers[2].info.TokenURL
		body, _ := json.Marshal(map[string]string{ // strings always can be marshalled
			"client_id": c.ID, "client_secret": c.Secret, "audience": c.Audiences[0], "grant_type": clientCredentials,
		})
		t.Args = []string{"-H", "Content-Type: " + typeJSON, "-d", string(body)}
	}
	return t
}

// Lines returns the curl command for a POSIX shell, an argument on each line.
func (t TokenRequest) Lines() []string {
	lines := []string{"curl -s -X POST " + shellQuote(t.URL)}
	for pair := range slices.Chunk(t.Args, 2) {
		lines = append(lines, pair[0]+" "+shellQuote(pair[1]))
	}
	return lines
}

// Curl returns the curl command for a POSIX shell, ready to paste.
func (t TokenRequest) Curl() string { return strings.Join(t.Lines(), " ") }

// Shell returns Curl as an assignment that puts the token into the shell's
// variable TOKEN, with nothing but what every POSIX system has.
func (t TokenRequest) Shell() string {
	return "TOKEN=$(" + t.Curl() + ` | sed 's/.*"access_token":"\([^"]*\)".*/\1/')`
}

// Request returns the request that curl would send.
func (t TokenRequest) Request(ctx context.Context) (*http.Request, error) {
	header := http.Header{"Content-Type": {typeForm}}
	var data []string
	for pair := range slices.Chunk(t.Args, 2) {
		switch flag, value := pair[0], pair[1]; flag {
		case "-d":
			data = append(data, value)
		case "--data-urlencode":
			name, text, _ := strings.Cut(value, "=")
			data = append(data, name+"="+url.QueryEscape(text))
		case "-u":
			header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(value)))
		case "-H":
			name, text, _ := strings.Cut(value, ": ")
			header.Set(name, text)
		default:
			return nil, fmt.Errorf("devauth: curl %s is not known here", flag)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, strings.NewReader(strings.Join(data, "&")))
	if err != nil {
		return nil, err
	}
	r.Header = header
	return r, nil
}

// shellQuote quotes what a POSIX shell would not take as it is. Nothing is
// special between single quotes but the closing one.
func shellQuote(word string) string {
	special := strings.ContainsFunc(word, func(r rune) bool {
		return r < 0x80 && !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,", r)
	})
	if !special {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
