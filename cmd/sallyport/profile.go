package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// profileFromEnv takes the profile from the environment if no flag says it. Like the
// leeway it says nothing about who is trusted, so a flag that does leaves it alone.
func (o *options) profileFromEnv() {
	if o.profile == "" {
		o.profile = o.text(sallyport.EnvProfile, "Profile")
	}
}

// checkProfile reports a profile that there is not, or that cannot hold.
func (o *options) checkProfile() error {
	switch sallyport.Profile(o.profile) {
	case "", sallyport.RFC9068, sallyport.FAPI2:
		return nil
	case sallyport.MCP:
		if o.resource() == "" {
			return fmt.Errorf("%s mcp wants the address of the server, which begins with https://, as the audience: give %s", o.names["Profile"], o.names["Audiences"])
		}
		return nil
	}
	return fmt.Errorf("%s is %s: use rfc9068, fapi2 or mcp", o.names["Profile"], quote.UpTo(o.profile, maxEcho))
}

// resource returns the audience that is an address, which MCP wants; "" for none.
func (o *options) resource() string {
	audiences := o.trusted[0].settings.Audiences
	i := slices.IndexFunc(audiences, func(aud string) bool {
		return strings.HasPrefix(aud, "https://") || strings.HasPrefix(aud, "http://")
	})
	if i < 0 {
		return ""
	}
	return audiences[i]
}

// apply has cfg keep to the profile, with stand-ins for what a report has not: the
// Bindings and the address of the API.
func (o *options) apply(cfg *sallyport.Config) {
	cfg.Profile = sallyport.Profile(o.profile)
	switch cfg.Profile {
	case sallyport.FAPI2:
		cfg.Guard.Bindings = []middleware.Binding{noRequest{}}
	case sallyport.MCP:
		cfg.Guard.Resource = o.resource()
	}
}

// noRequest is the Binding of a report, which is never asked: there is no request.
type noRequest struct{}

// Confirms returns a member of cnf, for a Binding has at least one.
func (noRequest) Confirms() []string { return []string{"jkt"} }

// Check refuses every request.
func (noRequest) Check(*http.Request, middleware.Credential, *claims.Claims) error {
	return errors.Join(errors.New("a report has no request"), reason.UnsupportedBinding)
}
