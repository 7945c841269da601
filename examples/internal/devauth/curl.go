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

// TokenRequest returns a client's documented token request. An empty audience
// means the client's first.
func (s *Server) TokenRequest(scheme Scheme, clientID, audience string) (TokenRequest, error) {
	i, err := s.issuer(scheme)
	if err != nil {
		return TokenRequest{}, err
	}
	reg, err := s.clients.find(scheme, clientID)
	if err != nil {
		return TokenRequest{}, err
	}
	if audience == "" {
		audience = reg.client.Audiences[0]
	}
	if !slices.Contains(i.info.Audiences, audience) {
		return TokenRequest{}, fmt.Errorf("devauth: %s does not serve that audience: Issuers lists those it serves", scheme)
	}
	t := TokenRequest{URL: i.info.TokenURL}
	switch scheme {
	case Messaging:
		t.Args = []string{"-u", clientID + ":" + reg.secret, "-d", "grant_type=" + clientCredentials}
	case Bokbasen:
		body, err := json.Marshal(map[string]string{
			"client_id": clientID, "client_secret": reg.secret, "audience": audience, "grant_type": clientCredentials,
		})
		t.Args = []string{"-H", "Content-Type: " + typeJSON, "-d", string(body)}
		return t, err
	default:
		t.Args = []string{
			"-d", "grant_type=" + clientCredentials, "-d", "client_id=" + clientID,
			"--data-urlencode", "client_secret=" + reg.secret, "--data-urlencode", "scope=" + audience + "/" + defaultScope,
		}
	}
	return t, nil
}

// Curl returns the curl command for a POSIX shell, ready to paste.
func (t TokenRequest) Curl() string {
	words := []string{"curl -s -X POST", shellQuote(t.URL)}
	for flag, value := range t.pairs {
		words = append(words, flag, shellQuote(value))
	}
	return strings.Join(words, " ")
}

// Shell returns Curl as an assignment that puts the token into the shell's
// variable TOKEN, with nothing but what every POSIX system has.
func (t TokenRequest) Shell() string {
	return "TOKEN=$(" + t.Curl() + ` | sed 's/.*"access_token":"\([^"]*\)".*/\1/')`
}

// Request returns the request that curl would send.
func (t TokenRequest) Request(ctx context.Context) (*http.Request, error) {
	header := http.Header{"Content-Type": {typeForm}}
	var data []string
	for flag, value := range t.pairs {
		switch flag {
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

func (t TokenRequest) pairs(yield func(flag, value string) bool) {
	for pair := range slices.Chunk(t.Args, 2) {
		if len(pair) < 2 || !yield(pair[0], pair[1]) {
			return
		}
	}
}

// shellQuote quotes for a POSIX shell, where nothing is special between single
// quotes but the closing one.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
