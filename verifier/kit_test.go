package verifier_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuerName = "https://issuer.example/"
	audience   = "api://orders"
)

// noon is when tokens are issued and, unless a test moves the clock, judged.
var noon = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

// world is one issuer and the configuration of a verifier for it. Tests change cfg
// before they ask for a verifier.
type world struct {
	*jwkstest.Issuer

	keys *keySet
	now  atomic.Pointer[time.Time]
	cfg  verifier.Config
}

// newWorld has an issuer without a socket.
func newWorld(tb testing.TB, options ...jwkstest.Option) *world {
	tb.Helper()
	return onSocket(tb, append([]jwkstest.Option{jwkstest.WithoutServer(), jwkstest.WithName(issuerName)}, options...)...)
}

// onSocket has an issuer on a loopback socket. It signs with ES256, whose keys
// are quickly made.
func onSocket(tb testing.TB, options ...jwkstest.Option) *world {
	tb.Helper()
	w := new(world)
	w.set(noon)
	w.Issuer = jwkstest.New(tb, append([]jwkstest.Option{
		jwkstest.WithAudience(audience),
		jwkstest.WithAlgorithm("ES256"),
		jwkstest.WithClock(func() time.Time { return noon }),
	}, options...)...)
	w.keys = &keySet{from: w.Issuer}
	w.keys.fetch()
	w.cfg = verifier.Config{
		Issuers: []verifier.Issuer{{Name: w.Issuer.Issuer(), Audiences: []string{audience}, Keys: w.keys}},
		Now:     w.clock,
	}
	return w
}

func (w *world) set(t time.Time)  { w.now.Store(&t) }
func (w *world) clock() time.Time { return *w.now.Load() }

// issuer is the configuration of the one issuer.
func (w *world) issuer() *verifier.Issuer { return &w.cfg.Issuers[0] }

// verifier makes one that sees the keys as the issuer publishes them now.
func (w *world) verifier(tb testing.TB) *verifier.Verifier {
	tb.Helper()
	v, err := verifier.New(w.cfg)
	require.NoError(tb, err)
	return v
}

// uncached is a verifier that remembers nothing.
func (w *world) uncached(tb testing.TB) *verifier.Verifier {
	tb.Helper()
	cfg := w.cfg
	cfg.CacheBytes = -1
	return (&world{cfg: cfg}).verifier(tb)
}

// keySet is a KeySet of what its issuer publishes as of the last fetch. As a
// Fetcher does, it keeps the identical key while it is published unchanged.
// It counts what it is asked.
type keySet struct {
	from    *jwkstest.Issuer
	current atomic.Pointer[jwks.Snapshot]

	snapshots, refreshes atomic.Int64
	refresh              func(context.Context, string) error // instead of doing nothing

	mu      sync.Mutex
	known   map[string]*jwks.Key // by the text of the JWK
	expires time.Time
}

func (k *keySet) Snapshot() *jwks.Snapshot {
	k.snapshots.Add(1)
	return k.current.Load()
}

func (k *keySet) Refresh(ctx context.Context, kid string) error {
	k.refreshes.Add(1)
	if k.refresh == nil {
		return nil
	}
	return k.refresh(ctx, kid)
}

// asked is how often anything was asked of it.
func (k *keySet) asked() int { return int(k.snapshots.Load() + k.refreshes.Load()) }

// fetch takes over what the issuer publishes now.
func (k *keySet) fetch() {
	k.mu.Lock()
	defer k.mu.Unlock()
	known := make(map[string]*jwks.Key)
	var keys []*jwks.Key
	var skipped []error
	for _, published := range k.from.Published() {
		members := published.JWK()
		maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
		text := must(json.Marshal(members))
		key, ok := k.known[string(text)]
		if !ok {
			parsed, err := jwks.ParseJWKS(text)
			if err != nil { // not usable, as a Fetcher would find
				skipped = append(skipped, err)
				continue
			}
			key = parsed[0]
		}
		known[string(text)] = key
		keys = append(keys, key)
	}
	k.known = known
	k.current.Store(jwks.NewSnapshot(jwks.SnapshotConfig{Keys: keys, Skipped: skipped, Expires: k.expires}))
}

// expire makes the keys too stale to trust, or fresh again.
func (k *keySet) expire(stale bool) {
	k.mu.Lock()
	k.expires = time.Time{}
	if stale {
		k.expires = time.Now().Add(-time.Second)
	}
	k.mu.Unlock()
	k.fetch()
}

// unloaded has no keys yet.
func unloaded() *keySet {
	k := new(keySet)
	k.current.Store(jwks.NewSnapshot(jwks.SnapshotConfig{}))
	return k
}

// The details of refusals that several tests want.
const (
	noSuchKey     = "the issuer has no such key"
	ambiguous     = "too many keys fit: the issuer must tell them apart by kid, use or alg"
	mismatch      = "no key that the token can mean is for this alg"
	undeclaredAlg = "the key declares no alg, and verifies the first one of its type in Algorithms alone"
	foreignAlg    = "alg is not among the issuer's Algorithms"
	notConfigured = "the token's iss is not configured"
	otherTyp      = "typ is of another kind of token: see Types"
	otherAPI      = "the token is meant for another API: see Audiences"
	otherClient   = "the client is not among the issuer's Clients"
)

// row is one token judged by one configuration.
type row struct {
	options []jwkstest.Option   // of the issuer
	setup   func(*world)        // changes the configuration, or the keys before they are fetched
	token   func(*world) string // nil: the issuer's plain access token
	want    reason.Code         // "": good
	check   string              // the check that refuses it
	detail  string              // the whole of Error.Detail
	kid     string              // the whole of Error.KeyID
}

// table is rows by what they say.
type table map[string]row

// rules are tables by the numbered rule that their rows show.
type rules map[string]table

// under is the row with another configuration.
func (r row) under(setup func(*world)) row {
	r.setup = setup
	return r
}

// of is the row with another issuer.
func (r row) of(options []jwkstest.Option) row {
	r.options = options
	return r
}

// as is the row with another token.
func (r row) as(token func(*world) string) row {
	r.token = token
	return r
}

func good(token func(*world) string) row { return row{token: token} }

func malformed(check string, token func(*world) string) row {
	detail := ""
	if check != "structure" {
		detail = check
	}
	return row{token: token, want: reason.Malformed, check: check, detail: detail}
}

func malformedClaim(name string, value any) row {
	return row{token: having(jwkstest.Claims{name: value}), want: reason.MalformedClaims, check: "claims"}
}

func unsupportedAlg(token func(*world) string) row {
	return row{token: token, want: reason.UnsupportedAlg, check: "algorithm", detail: foreignAlg}
}

func otherType(typ any) row {
	return row{token: with(jwkstest.Header{"typ": typ}), want: reason.UnsupportedType, check: "type", detail: otherTyp}
}

// marked is another kind of token by one of its claims.
func marked(name string, value any) row {
	return row{token: having(jwkstest.Claims{name: value}), want: reason.UnsupportedType, check: "kind", detail: "by its " + name + " claim this is no access token"}
}

func missing(check, name string) row {
	return row{token: having(jwkstest.Claims{name: nil}), want: reason.MissingClaim, check: check, detail: name}
}

func unknownIssuer(iss string) row {
	return row{token: having(jwkstest.Claims{"iss": iss}), want: reason.UnknownIssuer, check: "issuer", detail: notConfigured}
}

func wrongAudience(aud any) row {
	return row{token: having(jwkstest.Claims{"aud": aud}), want: reason.WrongAudience, check: "audience", detail: otherAPI}
}

// unknownKey is refused for want of a key; kid is what the error shows of it.
func unknownKey(kid, detail string, token func(*world) string) row {
	return row{token: token, want: reason.UnknownKey, check: "key", detail: detail, kid: kid}
}

// unusableKey names a key that is published for something else than tokens.
func unusableKey(kid string, token func(*world) string) row {
	return row{token: token, want: reason.UnusableKey, check: "key", kid: kid}
}

// wrongKey names a key that is for another alg.
func wrongKey(kid string, token func(*world) string) row {
	return row{token: token, want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: kid}
}

func badSignature(token func(*world) string) row {
	return row{token: token, want: reason.BadSignature, check: "signature", kid: `"key-1"`}
}

// null is a claim that is there and says nothing.
var null = json.RawMessage("null")

// with mints a token.
func with(options ...jwkstest.TokenOption) func(*world) string {
	return func(w *world) string { return w.Token(options...) }
}

// having are claims that replace those of a plain token.
func having(members jwkstest.Claims) func(*world) string { return with(members) }

func rawHeader(text string) func(*world) string  { return with(jwkstest.WithRawHeader(text)) }
func rawPayload(text string) func(*world) string { return with(jwkstest.WithRawPayload(text)) }

// text is a token whatever the issuer.
func text(token string) func(*world) string { return func(*world) string { return token } }

// signedBy publishes another key, with these members, and signs with it.
func signedBy(alg string, members jwkstest.JWK) func(*world) string {
	return func(w *world) string {
		key := w.NewKey(alg, members)
		w.Publish(key)
		return w.Token(jwkstest.WithKey(key), jwkstest.WithAlgorithm(alg))
	}
}

// others are as many keys as are tried with one token.
func others(w *world, members jwkstest.JWK) (keys []*jwkstest.Key) {
	for range jwks.MaxCandidates {
		keys = append(keys, w.NewKey("ES256", members))
	}
	return keys
}

// at judges a token of these claims that long after noon.
func at(after time.Duration, members jwkstest.Claims, r row) row {
	setup := r.setup
	r.setup = func(w *world) {
		if setup != nil {
			setup(w)
		}
		w.set(noon.Add(after))
	}
	r.token = having(members)
	return r
}

func algorithms(list ...string) func(*world) { return func(w *world) { w.issuer().Algorithms = list } }

func audiences(list ...string) func(*world) { return func(w *world) { w.issuer().Audiences = list } }
func clients(list ...string) func(*world)   { return func(w *world) { w.issuer().Clients = list } }
func leeway(d time.Duration) func(*world)   { return func(w *world) { w.cfg.Leeway = d } }
func types(list ...string) func(*world)     { return func(w *world) { w.issuer().Types = list } }

// second trusts another name beside the first, with the same keys.
func second(name string) func(*world) {
	return func(w *world) {
		other := *w.issuer()
		other.Name = name
		w.cfg.Issuers = append(w.cfg.Issuers, other)
	}
}

func validating(errs ...error) func(*world) {
	return func(w *world) {
		for _, err := range errs {
			w.cfg.Validators = append(w.cfg.Validators, func(context.Context, *claims.Claims) error { return err })
		}
	}
}

func revoked(withdrawn bool, err error) func(*world) {
	return func(w *world) {
		w.cfg.Revoked = func(context.Context, *claims.Claims) (bool, error) { return withdrawn, err }
	}
}

func failing(k *keySet, err error) *keySet {
	k.refresh = func(context.Context, string) error { return err }
	return k
}

func (r rules) run(t *testing.T) {
	t.Helper()
	for name, rows := range r {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows.run(t)
		})
	}
}

func (rows table) run(t *testing.T) {
	t.Helper()
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, r.options...)
			if r.setup != nil {
				r.setup(w)
			}
			w.keys.fetch()
			token := w.plainOr(r.token)
			w.keys.fetch() // a token may have needed a key of its own
			w.judge(t, token, r)
		})
	}
}

func (w *world) plainOr(token func(*world) string) string {
	if token == nil {
		return w.Token()
	}
	return token(w)
}

// judge asks in every way there is, with and without a cache, with Verify and
// with Explain, and wants the same answer from all.
func (w *world) judge(t *testing.T, token string, r row) verifier.Report {
	t.Helper()
	caching, fresh := w.verifier(t), w.uncached(t)
	first, err := caching.Verify(t.Context(), token)
	second, again := caching.Verify(t.Context(), token)
	third, uncached := fresh.Verify(t.Context(), token)
	report := fresh.Explain(t.Context(), token)

	if r.want == "" {
		require.NoError(t, err)
		require.NoError(t, again)
		require.NoError(t, uncached)
		assert.NotNil(t, first)
		assert.Same(t, first, second, "the cache hands out what it proved")
		assert.NotNil(t, third)
	} else {
		refusal := asError(t, err)
		assert.Equal(t, r.want, refusal.Reason)
		assert.ErrorIs(t, err, r.want)
		assert.Nil(t, first, "a refused token has no claims")
		assert.Equal(t, r.detail, refusal.Detail)
		assert.Equal(t, r.kid, refusal.KeyID)
		assert.Equal(t, facts(t, err), facts(t, again), "the second time")
		assert.Equal(t, facts(t, err), facts(t, uncached), "without a cache")
		assertSilent(t, w, refusal.Error(), token)
	}
	assertReport(t, report, token, r)
	return report
}

func asError(tb testing.TB, err error) *verifier.Error {
	tb.Helper()
	var refusal *verifier.Error
	require.ErrorAs(tb, err, &refusal)
	return refusal
}

// reasonOf is why err refuses, "" for nil.
func reasonOf(tb testing.TB, err error) reason.Code {
	tb.Helper()
	if err == nil {
		return ""
	}
	return asError(tb, err).Reason
}

// facts are what an error says, without the identity of its cause.
func facts(tb testing.TB, err error) [5]string {
	tb.Helper()
	e := asError(tb, err)
	return [5]string{string(e.Reason), e.Issuer, e.KeyID, e.Detail, e.RetryAfter.String() + e.Error()}
}

// checkNames are all checks, in order.
var checkNames = []string{
	"size", "structure", "header", "critical", "payload", "issuer", "type", "algorithm", "key",
	"signature", "claims", "required", "tenant", "kind", "audience", "client", "binding",
	"expiry", "not_before", "issued_at", "age", "validators", "revocation",
}

// assertReport wants the result of Verify from Explain.
func assertReport(t *testing.T, report verifier.Report, token string, r row) {
	t.Helper()
	var names []string
	failed := ""
	for _, c := range report.Checks {
		names = append(names, c.Name)
		if !c.OK && !c.Skipped && failed == "" {
			failed = c.Name
		}
		assert.False(t, c.OK && c.Skipped, "%s cannot hold unseen", c.Name)
	}
	assert.Equal(t, checkNames, names)
	assert.Equal(t, r.want, report.Reason, "Explain says why as Verify does")
	assert.Equal(t, r.want == "", report.OK)
	assert.Equal(t, r.check, failed, "the check that refuses")
	assert.Equal(t, r.want == "", report.Hint == "")
	assertUnsigned(t, report, token)
}

// assertUnsigned wants nothing in a report that would let its reader call.
func assertUnsigned(t *testing.T, report verifier.Report, token string) {
	t.Helper()
	shown, err := json.Marshal(report)
	require.NoError(t, err)
	if signature := token[strings.LastIndexByte(token, '.')+1:]; len(signature) > 8 {
		assert.NotContains(t, string(shown), signature[:8])
	}
}

// assertSilent wants no part of the token and no value of its claims in text,
// which is bound for a log.
func assertSilent(t *testing.T, w *world, text, token string) {
	t.Helper()
	parts := strings.Split(token, ".")
	for _, part := range parts {
		if len(part) > 8 {
			assert.NotContains(t, text, part[:8])
		}
	}
	var payload any
	if len(parts) != 3 || json.Unmarshal(decode(parts[1]), &payload) != nil {
		return
	}
	for _, value := range leaves(payload) {
		if len(value) > 3 && value != w.issuer().Name {
			assert.NotContains(t, strings.ReplaceAll(text, w.issuer().Name, ""), value)
		}
	}
}

// leaves are all strings in a JSON value that are no names of members.
func leaves(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			out = append(out, leaves(e)...)
		}
	case map[string]any:
		for _, e := range v {
			out = append(out, leaves(e)...)
		}
	}
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// verify asks v and gives the reason, "" for a good token.
func verify(tb testing.TB, v *verifier.Verifier, token string) (*claims.Claims, reason.Code) {
	tb.Helper()
	c, err := v.Verify(tb.Context(), token)
	return c, reasonOf(tb, err)
}

// expect asks v, wants that reason, "" for a good token, and gives the claims.
func expect(tb testing.TB, v *verifier.Verifier, token string, want reason.Code, message ...any) *claims.Claims {
	tb.Helper()
	c, got := verify(tb, v, token)
	require.Equal(tb, want, got, message...)
	return c
}

// fetcher fetches the world's keys for real, without a socket.
func (w *world) fetcher(tb testing.TB) *jwks.Fetcher {
	tb.Helper()
	f, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: w.Issuer.Issuer(), Client: w.Client()})
	require.NoError(tb, err)
	tb.Cleanup(func() { assert.NoError(tb, f.Close()) })
	return f
}

// Tokens that no issuer would write are put together of these.

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// decode is nil for what is not base64url.
func decode(part string) []byte {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil
	}
	return data
}

// parts cuts a token at its dots.
func parts(token string) (header, payload, signature string) {
	cut := strings.SplitN(token, ".", 3)
	return cut[0], cut[1], cut[2]
}

// tampered is a token with one bit of its signature turned.
func tampered(token string) string {
	header, payload, signature := parts(token)
	raw := decode(signature)
	raw[len(raw)/2] ^= 1
	return header + "." + payload + "." + encode(string(raw))
}
