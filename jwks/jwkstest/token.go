package jwkstest

import (
	"crypto/rand"
	"encoding/base64"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// draft is a token before it is signed.
type draft struct {
	claims     map[string]any
	header     map[string]any
	alg        string
	key        *Key
	rawHeader  *string
	rawPayload *string
}

// Token mints an access token (RFC 9068): typ at+jwt, and the claims iss, sub, client_id, aud, jti, iat and, an hour
// later, exp. Options change it, the later ones win.
func (iss *Issuer) Token(options ...TokenOption) string {
	if iss.tb != nil {
		iss.tb.Helper()
	}
	m := iss.draft(options)
	key, alg := iss.signer(m)
	header := map[string]any{"typ": "at+jwt", "alg": alg}
	if key.id != "" {
		header["kid"] = key.id
	}
	m.header = merge(header, m.header)
	return iss.signed(encode(iss.text(m.rawHeader, m.header))+"."+encode(iss.text(m.rawPayload, m.claims)), key, alg)
}

// Sign appends a dot and the signature over input, which is taken as it is: for tokens whose very encoding is wrong.
// Of the options only [WithAlgorithm] and [WithKey] count.
func (iss *Issuer) Sign(input string, options ...TokenOption) string {
	if iss.tb != nil {
		iss.tb.Helper()
	}
	key, alg := iss.signer(iss.draft(options))
	return iss.signed(input, key, alg)
}

func (iss *Issuer) signed(input string, key *Key, alg string) string {
	signature, err := key.sign(alg, []byte(input))
	iss.check(err)
	return input + "." + encode(string(signature))
}

// draft returns the defaults, changed by the options for every token, then by options.
func (iss *Issuer) draft(options []TokenOption) *draft {
	now := iss.now()
	m := &draft{
		claims: map[string]any{
			"iss": iss.name, "sub": "test-client", "client_id": "test-client", "aud": DefaultAudience,
			"jti": rand.Text(), "iat": now, "exp": now.Add(time.Hour),
		},
		header: map[string]any{},
	}
	for _, o := range slices.Concat(iss.tokens, options) {
		o.token(m)
	}
	return m
}

// algorithm returns the alg of the issuer's first key.
func (m *draft) algorithm() string {
	if m.alg == "" {
		return "RS256"
	}
	return m.alg
}

// signer returns the key for a token, or makes it.
func (iss *Issuer) signer(m *draft) (*Key, string) {
	if m.key != nil {
		return m.key, m.alg
	}
	key := iss.Key()
	if m.alg != "" && key.alg != m.alg {
		key = iss.keyFor(m.alg)
	}
	return key, key.alg
}

// keyFor returns the newest published key that signs alg, a new one if there is none.
func (iss *Issuer) keyFor(alg string) *Key {
	iss.adding.Lock() // two tokens at once want the same new key
	defer iss.adding.Unlock()
	iss.mu.Lock()
	key := iss.newest(alg)
	iss.mu.Unlock()
	if key == nil {
		key = iss.NewKey(alg)
		iss.Publish(key)
	}
	return key
}

func (iss *Issuer) text(raw *string, members map[string]any) string {
	if raw != nil {
		return *raw
	}
	text, err := marshal(members)
	if err != nil {
		iss.fail("a token cannot be written: %v", err)
	}
	return string(text)
}

// marshal writes the members that present returns.
func marshal(members map[string]any) ([]byte, error) {
	return json.Marshal(present(members), json.Deterministic(true))
}

// present leaves nil members out and makes times NumericDates (RFC 7519 section 2).
func present(members map[string]any) map[string]any {
	out := make(map[string]any, len(members))
	for name, v := range members {
		if at, ok := v.(time.Time); ok {
			out[name] = at.Unix()
		} else if v != nil {
			out[name] = v
		}
	}
	return out
}

func encode(data string) string { return base64.RawURLEncoding.EncodeToString([]byte(data)) }

// TokenOption changes a token, or every token if it is given to [New].
type TokenOption interface {
	Option
	token(m *draft)
}

// Claims are members of a token's payload. They replace those that a token has anyway; a nil value leaves one out,
// and a [time.Time] becomes a NumericDate. A JSON null is a json.RawMessage or jsontext.Value of that text.
type Claims map[string]any

// Header are members of a token's header. They replace those that a token has anyway; a nil value leaves one out.
type Header map[string]any

func (c Claims) issuer(iss *Issuer) { iss.always(maps.Clone(c)) }

func (c Claims) token(m *draft) { maps.Copy(m.claims, c) }

func (h Header) issuer(iss *Issuer) { iss.always(maps.Clone(h)) }

func (h Header) token(m *draft) { maps.Copy(m.header, h) }

func merge[M ~map[string]any](into, from M) M {
	out := make(M, len(into)+len(from))
	maps.Copy(out, into)
	maps.Copy(out, from)
	return out
}

// tokenOption is an option of a token.
type tokenOption func(*draft)

func (o tokenOption) issuer(iss *Issuer) { iss.always(o) }

func (o tokenOption) token(m *draft) { o(m) }

func (iss *Issuer) always(o TokenOption) { iss.tokens = append(iss.tokens, o) }

// WithAudience sets the audience: aud is a string for one, an array for several.
func WithAudience(audiences ...string) TokenOption {
	if len(audiences) == 1 {
		return Claims{"aud": audiences[0]}
	}
	return Claims{"aud": slices.Clone(audiences)}
}

// WithAlgorithm sets what tokens are signed with: RS256 (unless it is said), RS384, RS512, PS256, PS384, PS512,
// ES256, ES384, ES512, EdDSA. If the issuer signs with another one, its newest published key of that algorithm signs;
// if there is none, one is made and published.
func WithAlgorithm(alg string) TokenOption { return tokenOption(func(m *draft) { m.alg = alg }) }

// WithKey sets the key that signs, published or not, with its own algorithm unless
// a [WithAlgorithm] follows. The header names its kid.
func WithKey(key *Key) TokenOption {
	return tokenOption(func(m *draft) { m.key, m.alg = key, key.alg })
}

// WithRawHeader sets the whole header, byte by byte: no other option changes it.
func WithRawHeader(text string) TokenOption {
	return tokenOption(func(m *draft) { m.rawHeader = &text })
}

// WithRawPayload sets the whole payload, byte by byte: no other option changes it.
func WithRawPayload(text string) TokenOption {
	return tokenOption(func(m *draft) { m.rawPayload = &text })
}
