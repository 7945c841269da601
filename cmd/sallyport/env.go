package main

import (
	"errors"
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
	o.names = flagNames()
	t := &o.trusted[0]
	named := len(o.trusted) > 1 || t.preset != "" || t.settings.Issuer != "" || t.settings.Tenant != ""
	alone = !named && t.isBare() && len(o.plainHTTP) == 0 && !o.leewaySet && o.profile == "" &&
		os.Getenv(sallyport.EnvIssuer)+os.Getenv(sallyport.EnvTenant)+os.Getenv(sallyport.EnvProvider) != ""
	err = errors.Join(variables.Unknown(), o.leewayFromEnv())
	o.profileFromEnv()
	if !named {
		o.issuerFromEnv()
	}
	o.audiencesFromEnv()
	if alone {
		return true, err // plain http too
	}
	if len(o.plainHTTP) == 0 {
		o.plainHTTP = strings.Fields(o.text(sallyport.EnvDangerouslyPlainHTTP, "Keys.DangerouslyPlainHTTP"))
	}
	return false, err
}

// text returns the value of a variable, by whose name mistakes in it are called
// from now on.
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
// no flag says. Where a flag says which server has the keys, the CA and the bearer of
// the environment are left out: they are for the server that is named there.
func (o *options) issuerFromEnv() {
	t := &o.trusted[0]
	t.preset = o.text(sallyport.EnvProvider, "preset")
	keysAreKnown := t.settings.JWKSURL+t.settings.DiscoveryURL != ""
	t.keysFromEnv = !keysAreKnown
	anotherServer := keysAreKnown || t.settings.APIServer != ""
	for _, f := range setting.Fields(&t.settings) {
		left := false
		switch f.Name {
		case "JWKSURL", "DiscoveryURL":
			left = keysAreKnown
		case "CAFile", "BearerFile":
			left = anotherServer
		}
		if len(f.Values()) == 0 && !left {
			f.Set(o.text(f.Env, f.Names()...))
		}
	}
}

// audiencesFromEnv takes the audiences from the environment if no flag names one.
func (o *options) audiencesFromEnv() {
	if slices.ContainsFunc(o.trusted, func(t trusted) bool { return len(t.settings.Audiences) > 0 }) {
		return
	}
	for i := range o.trusted {
		f := o.trusted[i].field("Audiences")
		f.Set(o.text(f.Env, f.Names()...))
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
	return t.preset == "" && !slices.ContainsFunc(setting.Fields(&t.settings), func(f setting.Field) bool { return len(f.Values()) > 0 })
}
