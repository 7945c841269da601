package servers

import (
	"net/url"
	"testing"

	"github.com/sallyport-go/sallyport/integration/internal/report"
)

// Server is an authorization server that runs as a process of its own. A test
// uses it from one goroutine; tokens can be asked for from many.
type Server interface {
	// Facts returns what a client and an API have to know. It is valid after Start.
	Facts() Facts

	// Start starts the server, and waits until it answers. After Stop it
	// starts again at the same address with the same keys.
	Start(t *testing.T)

	// Stop ends the server.
	Stop()

	// Rotate makes the server sign with a new key, of the algorithm RS256 or
	// ES256, and go on publishing the older ones.
	Rotate(t *testing.T, alg string)
}

// Facts are what a client and an API have to know of a server.
type Facts struct {
	Issuer   string // the iss of its tokens, byte for byte
	Audience string // the aud of tokens for the API
	TokenURL string
	JWKSURL  string

	// Undiscoverable says that the discovery document is not below the
	// issuer: the API gets the JWKSURL.
	Undiscoverable bool

	ClientID, Secret string

	// Reads are the parameters of a request for a token that may read orders,
	// Writes of one that may not. NoScopes says that no token may do either,
	// because none has a scope.
	Reads, Writes url.Values
	NoScopes      bool

	// IntrospectionURL is where the server is asked about tokens, by ClientID and
	// Secret or, where OpenIntrospection says so, by anybody who reaches it;
	// RevocationURL is where they are revoked. Opaque are the parameters of a
	// request for an opaque token that may read orders, by the client OpaqueID.
	// OpaqueOnly says that it does not answer about JWTs.
	IntrospectionURL, RevocationURL string
	OpenIntrospection, OpaqueOnly   bool
	OpaqueID                        string
	Opaque                          url.Values

	// TornTokens says that a token made during a rotation can name one key
	// and be signed by another.
	TornTokens bool
}

// Flags returns how examples/orders is told to trust the server.
func (f *Facts) Flags() []string {
	flags := []string{"-issuer", f.Issuer, "-audience", f.Audience}
	if f.Undiscoverable {
		flags = append(flags, "-jwks-url", f.JWKSURL)
	}
	return flags
}

// The names of the servers.
const (
	OIDCProvider = "oidc-provider"
	Glewlwyd     = "glewlwyd"
	Hydra        = "hydra"
	Fosite       = "fosite"
	Zitadel      = "zitadel"
	GoOIDC       = "go-oidc"
)

var names = []string{OIDCProvider, Glewlwyd, Hydra, Fosite, Zitadel, GoOIDC}

// Names returns the names of all servers.
func Names() []string { return names }

// Report counts the servers that were here.
var Report = report.New("authorization servers", 4, names...)

// New returns the server of that name, started, to be ended with the test. The
// test is skipped where it is not here.
func New(t *testing.T, name string) Server {
	t.Helper()
	s := map[string]func(*testing.T) Server{
		OIDCProvider: newOIDCProvider, Glewlwyd: newGlewlwyd, Hydra: newHydra, Fosite: newFosite, Zitadel: newZitadel, GoOIDC: newGoOIDC,
	}[name](t)
	s.Start(t)
	Report.Ran(name)
	return s
}
