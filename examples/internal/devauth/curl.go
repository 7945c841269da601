package devauth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// CurlToken writes a scheme's documented token request as a curl command for a
// POSIX shell, ready to paste, with the client's secret in it: it is for a
// terminal, never for a log. An empty audience stands for the client's first.
func (s *Server) CurlToken(scheme Scheme, clientID, audience string) (string, error) {
	i, err := s.issuer(scheme)
	if err != nil {
		return "", err
	}
	reg, err := s.clients.find(scheme, clientID)
	if err != nil {
		return "", err
	}
	if audience == "" {
		audience = reg.client.Audiences[0]
	}
	if !slices.Contains(i.info.Audiences, audience) {
		return "", fmt.Errorf("devauth: %s does not serve that audience: Issuers lists those it serves", scheme)
	}
	args, err := curlArgs(scheme, clientID, reg.secret, audience)
	if err != nil {
		return "", err
	}
	quoted := []string{"curl -s -X POST", shellQuote(i.info.TokenURL)}
	for _, a := range args {
		quoted = append(quoted, a.flag, shellQuote(a.value))
	}
	return strings.Join(quoted, " "), nil
}

// ShellToken is CurlToken as an assignment that puts the token into the shell's
// variable TOKEN, with nothing but what every POSIX system has.
func (s *Server) ShellToken(scheme Scheme, clientID, audience string) (string, error) {
	line, err := s.CurlToken(scheme, clientID, audience)
	if err != nil {
		return "", err
	}
	return "TOKEN=$(" + line + ` | sed 's/.*"access_token":"\([^"]*\)".*/\1/')`, nil
}

type curlArg struct{ flag, value string }

func curlArgs(scheme Scheme, id, secret, audience string) ([]curlArg, error) {
	switch scheme {
	case Messaging:
		return []curlArg{{"-u", id + ":" + secret}, {"-d", "grant_type=" + clientCredentials}}, nil
	case Bokbasen:
		body, err := json.Marshal(map[string]string{
			"client_id": id, "client_secret": secret, "audience": audience, "grant_type": clientCredentials,
		})
		return []curlArg{{"-H", "Content-Type: " + typeJSON}, {"-d", string(body)}}, err
	default:
		return []curlArg{
			{"-d", "grant_type=" + clientCredentials},
			{"-d", "client_id=" + id},
			{"--data-urlencode", "client_secret=" + secret},
			{"--data-urlencode", "scope=" + audience + "/" + defaultScope},
		}, nil
	}
}

// shellQuote quotes for a POSIX shell, where nothing is special between single
// quotes but the closing one.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
