package servers

import (
	"testing"

	"github.com/sallyport-go/sallyport/integration/internal/daemon"
)

// newFosite returns the program integration/fosite: github.com/ory/fosite, which
// knows the parameter audience.
func newFosite(t *testing.T) Server {
	t.Helper()
	s := library(t, Fosite)
	s.facts.Reads, s.facts.Writes = asking("get", "audience", daemon.Audience), asking("post", "audience", daemon.Audience)
	return s
}
