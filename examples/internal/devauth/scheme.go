package devauth

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// Scheme names one of the three token requests that the server speaks.
type Scheme string

// The schemes. The value is also the {scheme} of the /dev paths.
const (
	OKQ8      Scheme = "okq8"
	Messaging Scheme = "messaging"
	Bokbasen  Scheme = "bokbasen"
)

// IssuerInfo is what a resource server, or a person, needs to know about one
// of the issuers.
type IssuerInfo struct {
	Scheme    Scheme   `json:"scheme"`
	Issuer    string   `json:"issuer"` // exactly the tokens' iss
	Audiences []string `json:"audiences"`
	Algorithm string   `json:"algorithm"`

	TokenURL     string `json:"token_endpoint"`
	DiscoveryURL string `json:"discovery"` // OpenID Connect Discovery 1.0, section 4
	MetadataURL  string `json:"metadata"`  // RFC 8414, section 3
	JWKSURL      string `json:"jwks_uri"`
}

// claimsFunc builds a scheme's claims for a token issued at the given time and
// says when that token expires.
type claimsFunc func(iss string, c Client, audience string, levels []string, at time.Time) (claims any, exp time.Time)

type issuer struct {
	info   IssuerInfo
	typ    string // the tokens' header typ
	auth   string // token_endpoint_auth_methods_supported
	claims claimsFunc
	keys   *keyring
	down   atomic.Bool
}

// issued is a token with what the server remembers about it.
type issued struct {
	token string
	kid   string
	exp   time.Time
}

// issue signs a token for c as of the given time.
func (i *issuer) issue(c Client, audience string, levels []string, at time.Time) (issued, error) {
	claims, exp := i.claims(i.info.Issuer, c, audience, levels, at)
	k := i.keys.signWith(exp)
	token, err := k.sign(i.typ, claims)
	if err != nil {
		return issued{}, err
	}
	return issued{token: token, kid: k.kid, exp: exp}, nil
}

// endpoints fills in the addresses of an issuer. Both metadata paths drop the
// issuer's closing slash first: OpenID Connect Discovery appends the well-known
// part, RFC 8414 inserts it between host and path.
func endpoints(base string, scheme Scheme, issuerPath, tokenPath, jwksPath, alg string, audiences []string) IssuerInfo {
	path := strings.TrimSuffix(issuerPath, "/")
	return IssuerInfo{
		Scheme:       scheme,
		Issuer:       base + issuerPath,
		Audiences:    audiences,
		Algorithm:    alg,
		TokenURL:     base + tokenPath,
		DiscoveryURL: base + path + "/.well-known/openid-configuration",
		MetadataURL:  base + "/.well-known/oauth-authorization-server" + path,
		JWKSURL:      base + jwksPath,
	}
}

func (s *Server) issuer(scheme Scheme) (*issuer, error) {
	for _, i := range s.issuers {
		if i.info.Scheme == scheme {
			return i, nil
		}
	}
	return nil, fmt.Errorf("devauth: no scheme %q: use %s, %s or %s", scheme, OKQ8, Messaging, Bokbasen)
}
