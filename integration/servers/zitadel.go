package servers

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// newZitadel returns the program integration/zitadel: github.com/zitadel/oidc,
// with the issuer of its example and an audience that is fixed.
func newZitadel(t *testing.T) Server {
	t.Helper()
	s := library(t, Zitadel)
	_, port, err := net.SplitHostPort(s.address)
	require.NoError(t, err)
	s.facts.Issuer = "http://localhost:" + port + "/"
	s.facts.TokenURL, s.facts.JWKSURL = s.facts.Issuer+"oauth/token", s.facts.Issuer+"keys"
	s.facts.Reads, s.facts.Writes, s.facts.NoScopes = asking("get", "", ""), asking("post", "", ""), true
	return s
}
