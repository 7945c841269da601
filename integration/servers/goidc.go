package servers

import (
	"testing"

	"github.com/sallyport-go/sallyport/integration/internal/daemon"
)

// newGoOIDC returns the program integration/go-oidc: github.com/luikyv/go-oidc,
// which knows the parameter resource.
func newGoOIDC(t *testing.T) Server {
	t.Helper()
	s := library(t, GoOIDC)
	s.facts.Reads, s.facts.Writes = asking("get", "resource", daemon.Audience), asking("post", "resource", daemon.Audience)
	return s
}
