package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/providers"
)

// gate returns the verifier that the flags and the environment describe. It has
// no cache. What no flag says is as [sallyport.FromEnv] reads it.
func (o *options) gate() (*sallyport.Gate, error) {
	fromEnv := o.fromEnv()
	if err := o.mistakes(); err != nil {
		return nil, err
	}
	cfg := sallyport.Config{}
	cfg.Keys.DangerouslyPlainHTTP = o.plainHTTP
	cfg.Verifier.CacheBytes = -1
	cfg.Verifier.MaxTokenBytes = o.maxBytes
	cfg.Verifier.Leeway = o.leeway
	if o.leeway == 0 {
		cfg.Verifier.Leeway = -1 // none was asked for
	}
	if !o.at.IsZero() {
		cfg.Verifier.Now = func() time.Time { return o.at }
	}
	if fromEnv {
		return sallyport.FromEnv(cfg)
	}
	for i := range o.trusted {
		p, err := o.trusted[i].provider()
		if err != nil {
			return nil, err
		}
		cfg.Providers = append(cfg.Providers, p)
	}
	gate, err := sallyport.Open(cfg)
	return gate, setting.Rename(err, "", flagNames())
}

// fromEnv fills in what the flags leave open. It reports whether the environment
// alone says whose tokens are meant and how they are judged: then its own rules
// apply, such as that a variable that is unknown is a mistake.
//
// The variables that say who is trusted belong together: a flag that names an
// issuer, a preset or a tenant replaces all of them.
func (o *options) fromEnv() (alone bool) {
	t := &o.trusted[0]
	named := len(o.trusted) > 1 || t.preset != "" || t.settings.Issuer != "" || t.settings.Tenant != ""
	alone = !named && t.isBare() && len(o.plainHTTP) == 0 && !o.leewaySet &&
		os.Getenv(sallyport.EnvIssuer)+os.Getenv(sallyport.EnvTenant)+os.Getenv(sallyport.EnvProvider) != ""
	if !named {
		t.fromEnv()
	}
	o.audiencesFromEnv()
	if alone {
		return true // plain http and leeway too
	}
	if len(o.plainHTTP) == 0 {
		o.plainHTTP = strings.Fields(os.Getenv(sallyport.EnvDangerouslyPlainHTTP))
	}
	if d, err := time.ParseDuration(os.Getenv(sallyport.EnvLeeway)); err == nil && !o.leewaySet {
		o.leeway = d
	}
	return false
}

// audiencesFromEnv takes the audiences from the environment if no flag names one.
func (o *options) audiencesFromEnv() {
	if slices.ContainsFunc(o.trusted, func(t trusted) bool { return len(t.settings.Audiences) > 0 }) {
		return
	}
	for i := range o.trusted {
		o.trusted[i].settings.Audiences = strings.Fields(os.Getenv(sallyport.EnvAudience))
	}
}

// fromEnv takes who is trusted from the environment, and of the rest what no flag
// says.
func (t *trusted) fromEnv() {
	t.preset = os.Getenv(sallyport.EnvProvider)
	keysAreKnown := t.settings.JWKSURL+t.settings.DiscoveryURL != ""
	for _, f := range setting.Fields(&t.settings) {
		if ofKeys := f.Name == "JWKSURL" || f.Name == "DiscoveryURL"; len(f.Values()) == 0 && (!ofKeys || !keysAreKnown) {
			f.Set(os.Getenv(f.Env))
		}
	}
}

// isBare reports whether no flag says anything about the issuer.
func (t *trusted) isBare() bool {
	return t.preset == "" && !slices.ContainsFunc(setting.Fields(&t.settings), func(f setting.Field) bool { return len(f.Values()) > 0 })
}

func (t *trusted) provider() (providers.Provider, error) {
	static, err := t.static()
	if static == nil || err != nil {
		return providers.Named(t.preset, t.settings), err
	}
	s := t.settings
	s.JWKSURL = "" // a file
	p := providers.Named(t.preset, s)
	for i := range p.Issuers {
		p.Issuers[i].Tokens.Keys = static
	}
	return p, nil
}

// static returns the key set of a file, nil if the keys are somewhere else.
func (t *trusted) static() (jwks.KeySet, error) {
	file := t.settings.JWKSURL
	if file == "" || strings.Contains(file, "://") {
		return nil, nil //nolint:nilnil // no file was named, and that is fine
	}
	data, err := os.ReadFile(t.settings.JWKSURL)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // without the name, which is not always one
		}
		return nil, fmt.Errorf("-jwks %s: %w: give the file of a JWK Set, or a URL", quote.Text(file), err)
	}
	keys, err := jwks.ParseJWKS(data)
	if err != nil {
		return nil, fmt.Errorf("-jwks %s: %w: save there what the issuer's jwks_uri answers", quote.Text(file), err)
	}
	return jwks.NewStatic(keys...)
}
