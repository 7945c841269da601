package verifier

import (
	"errors"
	"slices"

	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/reason"
)

// Issuers that are not configured, and come at run time.

// Known is an issuer that [Config.Lookup] may return. It is immutable, safe for
// concurrent use, and made by [Issuer.Compile]. The zero value is refused.
type Known struct{ issuer *issuer }

// Compile returns an issuer for [Config.Lookup], or every mistake in it at once. It
// is no template and has Keys.
//
// inUse is asked each time a token of this issuer has proved to be good, and each
// time a token is seen again: after false the token is checked anew, by what Lookup
// then returns, so that nothing of an issuer outlives it in the cache. It must be
// safe for concurrent use and quick. nil is always true.
func (cfg Issuer) Compile(inUse func() bool) (Known, error) {
	mistakes := slices.Concat(cfg.validateName(), cfg.validateAudience(), cfg.validateLists())
	if _, is := parseTemplate(cfg.Name); is {
		mistakes = append(mistakes, setting.Errorf("%s is a template: an issuer that is looked up has the name that its tokens have", nameName))
	}
	if isNil(cfg.Keys) {
		mistakes = append(mistakes, errNoKeys)
	}
	if err := errors.Join(mistakes...); err != nil {
		return Known{}, issuerMistake(0, &cfg, err)
	}
	i := cfg.compile()
	i.inUse = inUse
	return Known{i}, nil
}

// Configures reports whether tokens of that iss are for the configured issuers to
// accept or refuse. Lookup is not asked for those.
func (v *Verifier) Configures(iss string) bool {
	if _, ok := v.issuers[iss]; ok {
		return true
	}
	return slices.ContainsFunc(v.templates, func(i *issuer) bool {
		_, fits := i.template.tenant(iss)
		return fits
	})
}

var errNoKeys = errors.New("Keys is nil: give a jwks.Fetcher or jwks.Static")

// maxName bounds the iss that Lookup is asked for: a URL of that length is none that
// anybody configures.
const maxName = 512

// lookUp asks for an issuer that is not configured. The iss that nothing vouches for
// yet is a key for the owner's function and nothing else: no address, no part of an
// error.
func (o *opened) lookUp(iss string) (routed, *Error) {
	if len(iss) > maxName || !isVisible(iss) {
		return routed{}, refuse(reason.UnknownIssuer, detailNotConfigured, nil)
	}
	known, err := o.v.lookup(o.ctx, iss)
	switch {
	case err == nil && known.issuer != nil && known.issuer.name == iss:
		return routed{opened: o, issuer: known.issuer}, nil
	case err == nil:
		return routed{}, refuse(reason.KeysUnavailable, "Lookup answered with another issuer than it was asked for", nil)
	case errors.Is(err, reason.UnknownIssuer):
		return routed{}, refuse(reason.UnknownIssuer, detailNotConfigured, nil)
	case o.ctx.Err() != nil:
		return routed{}, refuse(reason.Canceled, "while the issuer was looked up", err)
	}
	e := refuse(reason.KeysUnavailable, "the issuer could not be looked up", err)
	if u, ok := errors.AsType[*jwks.UnavailableError](err); ok {
		e.RetryAfter = u.RetryAfter
	}
	return routed{}, e
}

// isVisible reports whether a name has neither white space nor control characters,
// nor a quotation mark, so that an owner's function may put it into a line of a log.
func isVisible(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c == 0x7f || c == '"' {
			return false
		}
	}
	return true
}

const detailNotConfigured = "the token's iss is not configured"

// holds reports whether what was verified for the issuer still counts.
func (i *issuer) holds() bool { return !i.replaced.Load() && (i.inUse == nil || i.inUse()) }
