package jwkstest

import (
	"crypto"
	"maps"
	"slices"
	"time"
)

// Option configures an [Issuer].
type Option interface{ issuer(iss *Issuer) }

// TokenOption changes a token, or every token if it is given to [New].
type TokenOption interface {
	Option
	token(m *minting)
}

// Claims are members of a token's payload. They replace those that a token has
// anyway; a nil value leaves one out, and a [time.Time] becomes a NumericDate.
// A JSON null is a json.RawMessage or jsontext.Value of that text.
type Claims map[string]any

// Header are members of a token's header. They replace those that a token has
// anyway; a nil value leaves one out.
type Header map[string]any

// JWK are members of a key as the issuer publishes it. They replace those that
// it has anyway; a nil value leaves one out. As an option it holds for every
// key of the issuer.
type JWK map[string]any

// Metadata are members of the discovery documents. They replace those that are
// there anyway; a nil value leaves one out.
type Metadata map[string]any

func (c Claims) issuer(iss *Issuer)   { iss.always(maps.Clone(c)) }
func (c Claims) token(m *minting)     { maps.Copy(m.claims, c) }
func (h Header) issuer(iss *Issuer)   { iss.always(maps.Clone(h)) }
func (h Header) token(m *minting)     { maps.Copy(m.header, h) }
func (j JWK) issuer(iss *Issuer)      { iss.jwk = merge(iss.jwk, j) }
func (d Metadata) issuer(iss *Issuer) { iss.metadata = merge(iss.metadata, d) }

func merge[M ~map[string]any](into, from M) M {
	out := make(M, len(into)+len(from))
	maps.Copy(out, into)
	maps.Copy(out, from)
	return out
}

// issuerOption is an option of the issuer alone.
type issuerOption func(*Issuer)

func (o issuerOption) issuer(iss *Issuer) { o(iss) }

// tokenOption is an option of a token.
type tokenOption func(*minting)

func (o tokenOption) issuer(iss *Issuer) { iss.always(o) }
func (o tokenOption) token(m *minting)   { o(m) }

func (iss *Issuer) always(o TokenOption) { iss.tokens = append(iss.tokens, o) }

// WithName gives the issuer a name that is not its address, such as
// https://sts.windows.net/<tenant>/. Its metadata is at [Issuer.DiscoveryURL],
// or where the name says if the request comes by [Issuer.Client].
func WithName(name string) Option {
	return issuerOption(func(iss *Issuer) { iss.name = name })
}

// WithoutServer opens no socket: the issuer is reached through
// [Issuer.Client] alone. Unless [WithName] says otherwise its name is a host
// under .example that differs from issuer to issuer.
func WithoutServer() Option {
	return issuerOption(func(iss *Issuer) { iss.memory = true })
}

// WithClock says what time it is when a token is minted; [time.Now] otherwise.
func WithClock(now func() time.Time) Option {
	return issuerOption(func(iss *Issuer) { iss.now = now })
}

// WithAudience says who tokens are for: aud is a string for one, an array for
// several.
func WithAudience(audiences ...string) TokenOption {
	if len(audiences) == 1 {
		return Claims{"aud": audiences[0]}
	}
	return Claims{"aud": slices.Clone(audiences)}
}

// WithAlgorithm says what tokens are signed with: RS256 (unless it is said),
// RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA. If the issuer
// signs with another one, its newest published key of that algorithm signs; if
// there is none, one is made and published.
func WithAlgorithm(alg string) TokenOption {
	return tokenOption(func(m *minting) { m.alg = alg })
}

// WithKey says which key signs, published or not, with its own algorithm unless
// a [WithAlgorithm] follows. The header names its kid.
func WithKey(key *Key) TokenOption {
	return tokenOption(func(m *minting) { m.key, m.alg = key, key.alg })
}

// WithRawHeader is the whole header, byte by byte: no other option changes it.
func WithRawHeader(text string) TokenOption {
	return tokenOption(func(m *minting) { m.rawHeader = &text })
}

// WithRawPayload is the whole payload, byte by byte: no other option changes
// it.
func WithRawPayload(text string) TokenOption {
	return tokenOption(func(m *minting) { m.rawPayload = &text })
}

// WithJWK has each key of the issuer published with the members that members
// returns for its public half: a kid that is a thumbprint, a certificate. Those
// of a [JWK] replace them; a nil value leaves one out.
func WithJWK(members func(crypto.PublicKey) JWK) Option {
	return issuerOption(func(iss *Issuer) { iss.jwkOf = members })
}
