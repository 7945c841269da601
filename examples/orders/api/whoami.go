package api

import (
	"cmp"
	"iter"
	"net/http"
	"time"

	"github.com/sallyport-go/sallyport/claims"
)

// whoami tells callers what their own token says about them.
func (*API) whoami(w http.ResponseWriter, r *http.Request) {
	c, ok := claims.FromContext(r.Context())
	if !ok { // only if the route was mounted without a Guard
		writeError(w, http.StatusInternalServerError, "this route is not guarded")
		return
	}
	writeJSON(w, http.StatusOK, identity{
		Issuer:      c.Issuer(),
		Subject:     c.Subject(),
		ClientID:    c.ClientID(),
		Caller:      cmp.Or(string(c.Caller()), "unknown"),
		Audiences:   list(c.Audiences()),
		Scopes:      list(c.Scopes()),
		Roles:       list(c.Roles()),
		Permissions: list(c.Permissions()),
		ExpiresAt:   c.ExpiresAt(),
	})
}

type identity struct {
	Issuer      string    `json:"issuer"`
	Subject     string    `json:"subject,omitempty"`
	ClientID    string    `json:"client_id,omitempty"`
	Caller      string    `json:"caller"` // app, user or unknown
	Audiences   []string  `json:"audiences"`
	Scopes      []string  `json:"scopes"`
	Roles       []string  `json:"roles"`
	Permissions []string  `json:"permissions"`
	ExpiresAt   time.Time `json:"expires_at"`
}

// list is [] rather than null when it is empty.
func list(names iter.Seq[string]) []string {
	out := []string{}
	for name := range names {
		out = append(out, name)
	}
	return out
}
