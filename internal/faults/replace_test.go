package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

const (
	replaceEvery  = time.Second
	ownAudience   = "api://orders"
	extraAudience = "api://extra"
)

// TestSoakOfReplace has a configuration replaced each second under the calls of many.
// As TestSoak it runs by a bubble's clock, unless it is told how long.
func TestSoakOfReplace(t *testing.T) {
	if told() {
		testSoakOfReplace(t, false)
		return
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { testSoakOfReplace(t, true) })
}

// replacing is a Gate with two configurations in turn. The wide one accepts another
// audience of two issuers, of which one is a tenant; the narrow one has an issuer more.
type replacing struct {
	kept, changed, tenant, added *jwkstest.Issuer
	keys                         jwks.FetcherConfig
	gate                         *sallyport.Gate
	door                         http.Handler

	mu    sync.Mutex
	turns []turn
	calls map[string]int // by what was brought, and the answer
	wrong []string
}

// turn is when a configuration was put into force: at a moment of it.
type turn struct {
	span
	narrow bool
}

// kind is a sort of token, with the answers of the wide and the narrow configuration.
type kind struct {
	name         string
	mint         func() string
	wide, narrow string
}

func newReplacing(t *testing.T, bubble bool) *replacing {
	t.Helper()
	r := &replacing{calls: map[string]int{}}
	ways := byHost{}
	for _, iss := range []**jwkstest.Issuer{&r.kept, &r.changed, &r.tenant, &r.added} {
		options := []jwkstest.Option{jwkstest.WithAlgorithm("EdDSA"), jwkstest.WithAudience(ownAudience)}
		if bubble {
			options = append(options, jwkstest.WithoutServer())
		}
		*iss = jwkstest.New(t, options...)
		ways[(*iss).Issuer()] = (*iss).Client()
	}
	if bubble {
		r.keys.Client = &http.Client{Transport: ways}
	}
	gate, err := sallyport.Open(r.config(false))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, gate.Close()) })
	require.NoError(t, gate.Ready(t.Context()))
	r.gate, r.turns = gate, []turn{{}}
	r.door = gate.Require(claims.AnyToken())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return r
}

func (r *replacing) config(narrow bool) sallyport.Config {
	audiences := []string{ownAudience, extraAudience}
	if narrow {
		audiences = audiences[:1]
	}
	cfg := sallyport.Config{
		Providers: []providers.Provider{providers.Generic(r.kept.Issuer(), ownAudience), providers.Generic(r.changed.Issuer(), audiences...)},
		Keys:      r.keys,
		Guard:     middleware.Config{OnEvent: tellReason},
		Resolving: sallyport.Resolving{DangerouslyPrivateNetworks: true},
		Resolve: func(_ context.Context, iss string) (providers.Provider, error) {
			if iss != r.tenant.Issuer() {
				return providers.Provider{}, reason.UnknownIssuer
			}
			return providers.Generic(iss, audiences...), nil
		},
	}
	cfg.Verifier.CacheBytes = cacheBytes
	if narrow {
		cfg.Providers = append(cfg.Providers, providers.Generic(r.added.Issuer(), ownAudience))
	}
	return cfg
}

func (r *replacing) kinds() []kind {
	of := func(iss *jwkstest.Issuer, audience string) func() string {
		return func() string {
			return iss.Token(jwkstest.WithAudience(audience), jwkstest.Claims{"exp": time.Now().Add(time.Hour), "jti": fmt.Sprint(rand.Int64())})
		}
	}
	const passes, wrongAudience, unknownIssuer, badSignature = "200", "401 wrong_audience", "401 unknown_issuer", "401 bad_signature"
	return []kind{
		{"of the issuer that stays", of(r.kept, ownAudience), passes, passes},
		{"of the one that changes", of(r.changed, ownAudience), passes, passes},
		{"of the tenant", of(r.tenant, ownAudience), passes, passes},
		{"for the audience that comes and goes", of(r.changed, extraAudience), passes, wrongAudience},
		{"of the tenant, for that audience", of(r.tenant, extraAudience), passes, wrongAudience},
		{"of the issuer that comes and goes", of(r.added, ownAudience), unknownIssuer, passes},
		{"forged", func() string { return cutSignature(of(r.changed, ownAudience)()) }, badSignature, badSignature},
	}
}

// cutSignature puts another signature under a token.
func cutSignature(token string) string {
	return token[:strings.LastIndexByte(token, '.')+1] + strings.Repeat("A", 86)
}

// client brings tokens of all kinds, most of them again and again.
func (r *replacing) client(ctx context.Context) {
	kinds := r.kinds()
	tokens := make([]string, len(kinds))
	for ctx.Err() == nil {
		n := rand.N(len(kinds))
		if tokens[n] == "" || rand.N(20) == 0 {
			tokens[n] = kinds[n].mint()
		}
		r.ask(&kinds[n], tokens[n])
		select {
		case <-time.After(pace/2 + rand.N(pace)):
		case <-ctx.Done():
		}
	}
}

func (r *replacing) ask(k *kind, token string) {
	var a answer
	request := httptest.NewRequest(http.MethodGet, "/orders", http.NoBody)
	request.Header.Set("Authorization", "Bearer "+token)
	recorder, at := httptest.NewRecorder(), span{from: time.Now()}
	r.door.ServeHTTP(recorder, request.WithContext(withReason(request.Context(), func(why reason.Code) { a.reason = why })))
	a.status, at.to = recorder.Code, time.Now()
	r.judge(k, at, a.String())
}

// judge counts an answer, and notes one that was right under none of the
// configurations that may have been in force since the call began.
func (r *replacing) judge(k *kind, at span, got string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[k.name+": "+got]++
	for i, turn := range r.turns {
		over := i+1 < len(r.turns) && !r.turns[i+1].to.IsZero() && r.turns[i+1].to.Before(at.from)
		if want := k.wide; !over {
			if turn.narrow {
				want = k.narrow
			}
			if got == want {
				return
			}
		}
	}
	r.wrong = append(r.wrong, fmt.Sprintf("a token %s: %s, %v after turn %d", k.name, got, at.from.Sub(r.turns[len(r.turns)-1].from), len(r.turns)))
}

// replace puts the other configuration into force.
func (r *replacing) replace(ctx context.Context) (took time.Duration, err error) {
	r.mu.Lock()
	n := len(r.turns)
	next := turn{span{from: time.Now()}, !r.turns[n-1].narrow}
	r.turns = append(r.turns, next)
	r.mu.Unlock()
	err = r.gate.Replace(ctx, r.config(next.narrow))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turns[n].to = time.Now()
	return r.turns[n].to.Sub(next.from), err
}

func testSoakOfReplace(t *testing.T, bubble bool) {
	t.Helper()
	r := newReplacing(t, bubble)
	ctx, stop := context.WithTimeout(t.Context(), *duration)
	defer stop()
	var clients sync.WaitGroup
	for range population {
		clients.Go(func() { r.client(ctx) })
	}
	tick := time.NewTicker(replaceEvery)
	defer tick.Stop()
	out := newReport(nil, *duration)
	out.begun = time.Now()
	var longest time.Duration
	for ctx.Err() == nil {
		select {
		case <-tick.C:
			took, err := r.replace(t.Context())
			require.NoError(t, err)
			longest = max(longest, took)
			out.samples = append(out.samples, newSample(time.Since(out.begun), 0))
		case <-ctx.Done():
		}
	}
	clients.Wait()
	r.report(t, longest)
	if *duration >= allPhases {
		out.checkFlat(t)
	}
}

// report shows what the calls came to, and fails for answers that were wrong.
func (r *replacing) report(t *testing.T, longest time.Duration) {
	t.Helper()
	total := 0
	for _, n := range r.calls {
		total += n
	}
	t.Logf("%d calls, %d replacements, the longest of which took %v; %d wrong answers", total, len(r.turns)-1, longest, len(r.wrong))
	for _, k := range r.kinds() {
		for what, n := range r.calls {
			if strings.HasPrefix(what, k.name+": ") {
				t.Logf("%7d %s", n, what)
			}
		}
		for _, want := range []string{k.wide, k.narrow} {
			assert.Positive(t, r.calls[k.name+": "+want], "%s: %s", k.name, want)
		}
	}
	for _, what := range r.wrong[:min(20, len(r.wrong))] {
		assert.Fail(t, what)
	}
	assert.GreaterOrEqual(t, len(r.turns)-1, int(*duration/replaceEvery)/2, "too few replacements to say anything")
	assert.LessOrEqual(t, r.kept.Fetches(), 1+int(*duration/(10*time.Minute)), "the issuer that stays keeps its keys")
	assert.GreaterOrEqual(t, r.changed.Fetches(), len(r.turns)-1, "the one that changes does not")
}
