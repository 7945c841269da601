package verifier_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/verifier"
)

const (
	fuzzIssuer   = "https://issuer.example"
	fuzzTemplate = "https://login.example/{tenantid}/v2.0"
	fuzzTenant   = "aaaaaaaa-0000-4000-8000-000000000001"
	fuzzAudience = "api://orders"
	fuzzNow      = 1_790_000_000
	fuzzGood     = `{"iss":"https://issuer.example","aud":"api://orders","exp":1790003600,"iat":1790000000,"sub":"s","client_id":"c","scope":"read"}`
)

// fuzzKit is an issuer and two Verifiers that trust it, one with the cache.
type fuzzKit struct {
	issuer        *jwkstest.Issuer
	es, ed        *jwkstest.Key
	cached, fresh *verifier.Verifier
	minted        map[string]bool // the signing inputs of what was signed on purpose
}

var newFuzzKit = sync.OnceValue(func() *fuzzKit {
	// The same keys in every process: the fuzzer's workers get the seeds of its coordinator.
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		panic(err)
	}
	k := &fuzzKit{minted: map[string]bool{}}
	k.issuer = jwkstest.Start(jwkstest.WithoutServer(), jwkstest.WithName(fuzzIssuer), jwkstest.WithAlgorithm("ES256"))
	k.es = k.issuer.KeyFrom("ES256", private, jwkstest.JWK{"kid": "e", "alg": nil, "issuer": fuzzTemplate})
	k.ed = k.issuer.KeyFrom("EdDSA", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)), jwkstest.JWK{"kid": "d", "alg": nil, "issuer": fuzzTemplate})
	k.issuer.Publish(k.es, k.ed)
	k.issuer.Use(k.es)
	k.issuer.Remove("key-1")
	cfg := verifier.Config{
		Issuers: []verifier.Issuer{
			{Name: fuzzIssuer, Audiences: []string{fuzzAudience}, Keys: k.issuer.KeySet()},
			{Name: fuzzTemplate, Tenants: []string{fuzzTenant}, Audiences: []string{fuzzAudience}, Keys: k.issuer.KeySet()},
		},
		Now: func() time.Time { return time.Unix(fuzzNow, 0) },
	}
	if k.cached, err = verifier.New(cfg); err != nil {
		panic(err)
	}
	cfg.CacheBytes = -1
	if k.fresh, err = verifier.New(cfg); err != nil {
		panic(err)
	}
	return k
})

// sign makes a token of any header and payload; es says which key signs.
func (k *fuzzKit) sign(header, payload string, es bool) string {
	key := k.ed
	if es {
		key = k.es
	}
	return k.issuer.Token(jwkstest.WithKey(key), jwkstest.WithRawHeader(header), jwkstest.WithRawPayload(payload))
}

// agree asks every way there is about one token, the cached one twice, and
// wants a single answer.
func (k *fuzzKit) agree(t *testing.T, token string) (accepted bool) {
	t.Helper()
	c, err := k.fresh.Verify(t.Context(), token)
	code := reasonOf(t, err)
	for range 2 {
		again, err := k.cached.Verify(t.Context(), token)
		require.Equal(t, code, reasonOf(t, err))
		require.Equal(t, c == nil, again == nil)
		if c != nil {
			require.Equal(t, []string{c.Issuer(), c.Subject(), c.ClientID()}, []string{again.Issuer(), again.Subject(), again.ClientID()})
		}
	}
	report := k.fresh.Explain(t.Context(), token)
	require.Equal(t, err == nil, report.OK)
	require.Equal(t, code, report.Reason)
	require.Equal(t, err == nil, report.Hint == "")
	if err != nil {
		require.Nil(t, c)
		for part := range strings.SplitSeq(token, ".") { // too long to be words of the error's own
			require.False(t, len(part) >= 24 && strings.Contains(err.Error(), part))
		}
	}
	return err == nil
}

// FuzzToken asserts that Verify, the cache and Explain agree on any text, and
// that only what the issuer signed is ever accepted.
func FuzzToken(f *testing.F) {
	k := newFuzzKit()
	for _, es := range []bool{true, false} {
		alg := map[bool]string{true: "ES256", false: "EdDSA"}[es]
		token := k.sign(`{"alg":"`+alg+`","typ":"at+jwt"}`, fuzzGood, es)
		k.minted[token[:strings.LastIndexByte(token, '.')]] = true
		f.Add(token)
		f.Add(token + "=")
		f.Add(token[:len(token)-1] + "B")
		f.Add(strings.Replace(token, ".", "..", 1))
		f.Add(k.sign(`{"alg":"none"}`, fuzzGood, es))
		f.Add(k.sign(`{"alg":"HS256"}`, fuzzGood, es))
	}
	for _, seed := range []string{"", ".", "..", "a.b.c", "a.b.c.d.e", strings.Repeat("a", 9000), "e30.e30.AA", "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if k.agree(t, token) {
			require.True(t, k.minted[token[:strings.LastIndexByte(token, '.')]], "not signed by the issuer")
		}
	})
}

// FuzzSigned lets the issuer sign anything: what decides then is the policy,
// which policyAdmits tells a second time, plainly.
func FuzzSigned(f *testing.F) {
	k := newFuzzKit()
	const es, ed = `{"alg":"ES256","kid":"e","typ":"at+jwt"}`, `{"alg":"EdDSA","typ":"JWT"}`
	tenant := `{"iss":"https://login.example/` + fuzzTenant + `/v2.0","tid":"` + fuzzTenant + `","aud":["api://orders"],"exp":1790003600}`
	for _, seed := range [][2]string{
		{es, fuzzGood},
		{ed, fuzzGood},
		{es, tenant},
		{`{"alg":"ES256"}`, tenant},
		{`{"alg":"ES256","kid":"d"}`, fuzzGood},
		{`{"alg":"ES256","typ":"application/AT+jwt","kid":""}`, fuzzGood},
		{`{"alg":"ES256","typ":""}`, fuzzGood},
		{`{"alg":"ES256","cty":"JWT"}`, fuzzGood},
		{`{"alg":"ES256","crit":[]}`, fuzzGood},
		{`{"alg":"Ed25519","kid":"d"}`, fuzzGood},
		{`{"alg":"ES256","kid":"unknown"}`, fuzzGood},
		{es, strings.Replace(tenant, `"tid"`, `"TID"`, 1)},
		{es, strings.Replace(tenant, "0001/v2", "0002/v2", 1)},
		{es, strings.Replace(tenant, "/v2.0", "/v2.0/", 1)},
		{es, strings.Replace(fuzzGood, "1790003600", "1789999970", 1)},
		{es, strings.Replace(fuzzGood, "1790003600", "1789999970.5", 1)},
		{es, strings.Replace(fuzzGood, `"iat":1790000000`, `"nbf":1790000031`, 1)},
		{es, strings.Replace(fuzzGood, "1790003600", "1790003600000", 1)},
		{es, strings.Replace(fuzzGood, `"sub"`, `"cnf":{"jkt":"x"},"sub"`, 1)},
		{es, strings.Replace(fuzzGood, `"sub"`, `"typ":"ID","sub"`, 1)},
		{es, strings.Replace(fuzzGood, `"sub"`, `"at_hash":1,"sub"`, 1)},
		{es, strings.Replace(fuzzGood, `"sub"`, `"token_use":"id","sub"`, 1)},
		{es, strings.Replace(fuzzGood, `"scope":"read"`, `"scope":1`, 1)},
		{es, strings.Replace(fuzzGood, `orders"`, `orders/"`, 1)},
		{es, `{}`},
		{es, `[]`},
		{`{}`, `{}`},
	} {
		f.Add(seed[0], seed[1], true)
		f.Add(seed[0], seed[1], false)
	}
	f.Fuzz(func(t *testing.T, header, payload string, es bool) {
		token := k.sign(header, payload, es)
		want := len(token) <= 8<<10 && plainHeaderOK(header, es) && plainPayloadOK(payload)
		require.Equal(t, want, k.agree(t, token), "%s %s", header, payload)
	})
}

// The policy of fuzzKit written a second time, over maps:
// whether its issuer's token is good.

type plainObject map[string]jsontext.Value

func plainParse(text string) (p plainObject, ok bool) {
	err := json.Unmarshal([]byte(text), &p)
	return p, err == nil && p != nil
}

// text is a string member: absence is "", any other type is not ok.
func (p plainObject) text(name string) (s string, ok bool) {
	v, present := p[name]
	if !present {
		return "", true
	}
	return s, v.Kind() == '"' && json.Unmarshal(v, &s) == nil
}

func (p plainObject) has(name string) bool { _, ok := p[name]; return ok }

// date is a NumericDate; given is false if it is absent.
func (p plainObject) date(name string) (seconds float64, given, ok bool) {
	v, present := p[name]
	if !present {
		return 0, false, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, true, err == nil && v.Kind() == '0' && f >= 0 && f < 253402300800
}

// list is a string or an array of strings.
func (p plainObject) list(name string) (list []string, ok bool) {
	v, present := p[name]
	switch {
	case !present:
		return nil, true
	case v.Kind() == '"':
		s, ok := p.text(name)
		return []string{s}, ok
	case v.Kind() != '[':
		return nil, false
	}
	var elements []any
	if json.Unmarshal(v, &elements) != nil {
		return nil, false
	}
	for _, e := range elements {
		s, ok := e.(string)
		if !ok {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

func plainHeaderOK(text string, es bool) bool {
	h, ok := plainParse(text)
	if !ok || h.has("crit") || h.has("b64") {
		return false
	}
	alg, ok1 := h.text("alg")
	kid, ok2 := h.text("kid")
	typ, ok3 := h.text("typ")
	cty, ok4 := h.text("cty")
	if !ok1 || !ok2 || !ok3 || !ok4 || cty != "" {
		return false
	}
	wantAlg, wantKid := "EdDSA", "d"
	if es {
		wantAlg, wantKid = "ES256", "e"
	}
	typed := !h.has("typ") || slices.Contains([]string{"at+jwt", "application/at+jwt", "jwt"}, strings.ToLower(typ))
	return (alg == wantAlg || alg == "Ed25519" && wantAlg == "EdDSA") && (kid == "" || kid == wantKid) && typed
}

func plainPayloadOK(text string) bool {
	p, ok := plainParse(text)
	return ok && p.typed() && p.issued() && p.timely() && p.accessToken()
}

// typed wants the registered and the mapped claims to be of their types.
func (p plainObject) typed() bool {
	for _, name := range []string{"iss", "sub", "jti"} {
		if _, ok := p.text(name); !ok {
			return false
		}
	}
	for _, first := range [][]string{{"scope", "scp"}, {"roles"}, {"permissions"}} {
		if at := slices.IndexFunc(first, p.has); at >= 0 {
			if _, ok := p.list(first[at]); !ok {
				return false
			}
		}
	}
	clients := []string{"client_id", "azp", "appid", "cid"}
	if at := slices.IndexFunc(clients, p.has); at >= 0 {
		if _, ok := p.text(clients[at]); !ok {
			return false
		}
	}
	return true
}

func (p plainObject) issued() bool {
	iss, ok1 := p.text("iss")
	tid, ok2 := p.text("tid")
	audiences, ok3 := p.list("aud")
	if !ok1 || !ok3 || !slices.Contains(audiences, fuzzAudience) {
		return false
	}
	return iss == fuzzIssuer || iss == strings.Replace(fuzzTemplate, "{tenantid}", fuzzTenant, 1) && ok2 && tid == fuzzTenant
}

func (p plainObject) timely() bool {
	const leeway = 30
	exp, expires, ok1 := p.date("exp")
	nbf, _, ok2 := p.date("nbf")
	iat, _, ok3 := p.date("iat")
	return ok1 && ok2 && ok3 && expires && fuzzNow < exp+leeway && fuzzNow >= nbf-leeway && fuzzNow >= iat-leeway
}

// accessToken refuses what is marked as another kind of token, or as bound.
func (p plainObject) accessToken() bool {
	typ, isText := p.text("typ")
	if isText && slices.Contains([]string{"ID", "Refresh", "Offline", "Logout"}, typ) {
		return false
	}
	use, isText := p.text("token_use")
	return (!isText || use != "id") && !p.has("at_hash") && !p.has("c_hash") && !p.has("events") && !p.has("cnf")
}
