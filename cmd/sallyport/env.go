package main

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/internal/variables"
)

// fromEnv fills in what the flags leave open. alone reports whether the
// environment alone says whose tokens are meant and how they are judged: then
// [sallyport.FromEnv] does all of it.
//
// The variables that say who is trusted belong together: a flag that names an
// issuer, a preset or a tenant replaces all of them. A variable that is unknown
// is a mistake whatever the flags are, for it may be one that was misspelt.
func (o *options) fromEnv() (alone bool, err error) {
	o.names = maps.Clone(flagNames)
	t := &o.trusted[0]
	named := len(o.trusted) > 1 || t.issuer != "" || t.preset != "" || t.tenant != ""
	alone = !named && t.isBare() && len(o.plainHTTP) == 0 && !o.leewaySet &&
		(os.Getenv(sallyport.EnvIssuer) != "" || os.Getenv(sallyport.EnvTenant) != "")
	err = errors.Join(variables.Unknown(), o.leewayFromEnv())
	if !named {
		o.issuerFromEnv()
	}
	o.audiencesFromEnv()
	if alone {
		return true, err // plain http too
	}
	if len(o.plainHTTP) == 0 {
		o.plainHTTP = o.list(sallyport.EnvDangerouslyPlainHTTP, "Keys.DangerouslyPlainHTTP")
	}
	return false, err
}

// list returns the values of a variable, by whose name mistakes in them are
// called from now on.
func (o *options) list(variable string, settings ...setting.Name) []string {
	return strings.Fields(o.text(variable, settings...))
}

// text is list for a variable with one value.
func (o *options) text(variable string, settings ...setting.Name) string {
	value := os.Getenv(variable)
	if value != "" {
		for _, s := range settings {
			o.names[s] = variable
		}
	}
	return value
}

// issuerFromEnv takes who is trusted from the environment, and of the rest what
// no flag says.
func (o *options) issuerFromEnv() {
	t := &o.trusted[0]
	t.issuer = o.text(sallyport.EnvIssuer, "issuer", "Issuer", "Name", "domain")
	t.preset = o.text(sallyport.EnvProvider, "preset")
	t.tenant = o.text(sallyport.EnvTenant, "tenant")
	if t.keys == "" && t.discovery == "" {
		t.keys = o.text(sallyport.EnvJWKSURL, "WithJWKS")
		t.discovery = o.text(sallyport.EnvDiscoveryURL, "WithDiscovery")
		t.keysFromEnv = true
	}
	if len(t.clients) == 0 {
		t.clients = o.list(sallyport.EnvClients, "Clients")
	}
}

// audiencesFromEnv takes the audiences from the environment if no flag names one.
func (o *options) audiencesFromEnv() {
	if slices.ContainsFunc(o.trusted, func(t trusted) bool { return len(t.audiences) > 0 }) {
		return
	}
	audiences := o.list(sallyport.EnvAudience, "audiences", "Audiences")
	for i := range o.trusted {
		o.trusted[i].audiences = audiences
	}
}

// leewayFromEnv takes the leeway from the environment if no flag says it.
func (o *options) leewayFromEnv() error {
	if o.leewaySet {
		return nil
	}
	d, set, err := variables.Leeway()
	if set {
		o.leeway, o.names["Leeway"] = d, sallyport.EnvLeeway
	}
	return err
}

// isBare reports whether no flag says anything about the issuer.
func (t *trusted) isBare() bool {
	return t.issuer+t.preset+t.tenant+t.keys+t.discovery == "" && len(t.audiences)+len(t.clients) == 0
}
