package api

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/verifier"
)

// Features are what the API has beyond bearer tokens. The zero value has none of
// them.
type Features struct {
	DPoP      string // off, accept or require; "" is off
	Origin    string // the scheme, host and port that proofs are for; "" is the address that it is served at
	DPoPNonce bool   // proofs need a nonce of the API

	Resource  string // the URL that the metadata is about; "" is the first audience, where that is one
	StepUpACR string // the acr that POST /orders wants; "" is any
	DenyFile  string // a file of withdrawn tokens, see revocation.File
	Redis     string // the URL of what the instances of the API share; "" shares nothing

	Introspect       string // the endpoint that is asked about opaque tokens
	IntrospectIssuer string // whose endpoint it is
	IntrospectClient string // the API's id and secret there, with a colon between

	TLSCert, TLSKey string // PEM files; without them it is plain HTTP
	MTLSCA          string // a PEM file: clients may show certificates of this CA, and have tokens bound to them
}

// The modes of DPoP.
const (
	dpopOff     = "off"
	dpopAccept  = "accept"
	dpopRequire = "require"
)

// Flags adds the flags of all features.
func (f *Features) Flags(flags *flag.FlagSet) {
	flags.StringVar(&f.DPoP, "dpop", dpopOff, "tokens that are bound to a client's key by DPoP: `off|accept|require`")
	flags.StringVar(&f.Origin, "origin", "", "what proofs are for: the scheme, host and port that clients know the API by, as a `URL` (default its own address)")
	flags.BoolVar(&f.DPoPNonce, "dpop-nonce", false, "proofs need a nonce of the API, with -dpop accept or require")
	flags.StringVar(&f.Resource, "resource", "", "the `URL` that the API is known by: its metadata is served, and named in challenges (default the first audience, if it is an https URL, or http on loopback)")
	flags.StringVar(&f.StepUpACR, "step-up-acr", "", "POST /orders wants a login with that `acr`")
	flags.StringVar(&f.DenyFile, "deny-file", "", "a `FILE` of withdrawn tokens, which is followed: a jti a line, or sub ISSUER SUB BEFORE, or client ISSUER CLIENT BEFORE, with an RFC 3339 time")
	flags.StringVar(&f.Redis, "redis", "", "the `URL` of a Redis or Valkey, such as redis://127.0.0.1:6379/0: instances share used proofs, secrets of nonces and a denylist there; calls are refused while it is away")
	flags.StringVar(&f.IntrospectClient, "introspect-client", "", "the API's own credentials at -introspect, as `ID:SECRET`")
	flags.StringVar(&f.TLSCert, "tls-cert", "", "a PEM `FILE` with the certificate of the API, which then serves https")
	flags.StringVar(&f.TLSKey, "tls-key", "", "a PEM `FILE` with the key of -tls-cert")
	flags.StringVar(&f.MTLSCA, "mtls-ca", "", "a PEM `FILE` with the CA of the clients' certificates: tokens that are bound to one are taken, from its client alone")
}

// IsFeature reports whether a flag is one of those of Features.
func IsFeature(name string) bool {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	new(Features).Flags(flags)
	return flags.Lookup(name) != nil
}

// Mistakes returns what is wrong with the flags as far as the flags alone show it.
func (f *Features) Mistakes() []error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains([]string{"", dpopOff, dpopAccept, dpopRequire}, f.DPoP) {
		wrong("-dpop %q is not there: use one of %s, %s, %s", f.DPoP, dpopOff, dpopAccept, dpopRequire)
	} else if f.DPoPNonce && !f.proofs() {
		wrong("-dpop-nonce is for proofs, which are not asked for: add -dpop %s or -dpop %s", dpopAccept, dpopRequire)
	}
	if strings.ContainsFunc(f.StepUpACR, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
		wrong("-step-up-acr %q cannot be named in a challenge: it is one word of printable ASCII, without quotes and backslashes", f.StepUpACR)
	}
	return slices.Concat(errs, f.wrongQuestions(), f.wrongTLS())
}

// proofs reports whether the API takes tokens that are bound to a key.
func (f *Features) proofs() bool { return f.DPoP == dpopAccept || f.DPoP == dpopRequire }

// resource returns the URL that the metadata is about, "" for none.
func (c *Config) resource() string {
	if audience := c.first(); c.Resource == "" && checkResource(audience) == nil {
		return audience
	}
	return c.Resource
}

// creating returns what POST /orders requires: the level post, and the login.
//
// RFC 9470 section 4: https://www.rfc-editor.org/rfc/rfc9470#section-4
func (f *Features) creating(access *claims.Access) claims.Rule {
	rule := access.Rule("POST")
	if f.StepUpACR == "" {
		return rule
	}
	return claims.AllOf(rule, claims.AnyACR(f.StepUpACR))
}

// closers are what the features leave behind, to be closed from the last.
type closers []func() error

func (c closers) close() error {
	var errs []error
	for _, f := range slices.Backward(c) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// extend adds the features to the configuration of a gate that is served at the
// address own. The closers are to be closed in any case, after the gate.
func (c *Config) extend(gate *sallyport.Config, own string) (opened closers, err error) {
	errs := c.Mistakes()
	gate.Guard.Resource = c.resource()
	if wrong := checkResource(c.Resource); wrong != nil {
		errs = append(errs, wrong)
		gate.Guard.Resource = "" // said once is enough
	}
	store, err := c.share(&opened)
	errs = append(errs, err, c.bind(&gate.Guard, own, store), c.deny(&gate.Verifier, store, &opened), c.introspect(gate))
	c.awaitStore(store)
	return opened, errors.Join(errs...)
}

func checkResource(url string) error {
	if url == "" {
		return nil
	}
	if err := (middleware.Config{Verifier: new(verifier.Verifier), Resource: url}).Validate(); err != nil {
		return fmt.Errorf("-resource: %w", err)
	}
	return nil
}

// first returns the first audience, "" for none.
func (c *Config) first() string {
	if len(c.Issuers) == 0 || len(c.Issuers[0].Audiences) == 0 {
		return ""
	}
	return c.Issuers[0].Audiences[0]
}
