package sallyport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// rows are the tenants of a program, as in a table of its database.
type rows struct {
	mu      sync.Mutex
	of      map[string]providers.Provider
	fail    error
	asked   map[string]int
	waiting func(ctx context.Context, iss string) // before an answer
}

func newRows() *rows { return &rows{of: map[string]providers.Provider{}, asked: map[string]int{}} }

func (r *rows) resolve(ctx context.Context, iss string) (providers.Provider, error) {
	r.mu.Lock()
	r.asked[iss]++
	p, ok := r.of[iss]
	fail, waiting := r.fail, r.waiting
	r.mu.Unlock()
	if waiting != nil {
		waiting(ctx, iss)
	}
	switch {
	case ctx.Err() != nil:
		return providers.Provider{}, ctx.Err()
	case fail != nil:
		return providers.Provider{}, fail
	case !ok:
		return providers.Provider{}, fmt.Errorf("no such row: %w", reason.UnknownIssuer)
	}
	return p, nil
}

func (r *rows) put(iss string, p providers.Provider) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[iss] = p
}

func (r *rows) drop(iss string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.of, iss)
}

func (r *rows) failing(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// calls is how often it was asked, about all issuers.
func (r *rows) calls() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, asked := range r.asked {
		n += asked
	}
	return n
}

// row is the row of an issuer whose keys are in it, so that no socket is needed.
func row(iss *jwkstest.Issuer, audiences ...string) providers.Provider {
	p := providers.Generic(iss.Issuer(), audiences...)
	p.Issuers[0].Tokens.Keys = iss.KeySet()
	return p
}

// openTenants is a Gate whose issuers are in rows alone.
func openTenants(tb testing.TB, r *rows, change ...func(*sallyport.Config)) *sallyport.Gate {
	tb.Helper()
	cfg := sallyport.Config{Resolve: r.resolve, Resolving: sallyport.Resolving{DangerouslyPrivateNetworks: true}}
	for _, f := range change {
		f(&cfg)
	}
	g, err := sallyport.Open(cfg)
	return closing(tb, g, err)
}

func TestATenantThatSignsUpIsKnownWithoutARestart(t *testing.T) {
	t.Parallel()
	r, one, other := newRows(), newIssuer(t), newIssuer(t)
	g := openTenants(t, r)
	h := g.Require(claims.AllScopes("orders.read"))(ok)
	good := jwkstest.Claims{"scope": "orders.read"}

	assert.Equal(t, 401, status(h, one.Token(good)), "it is not known")
	r.put(one.Issuer(), providers.Generic(one.Issuer(), audience))
	assert.Equal(t, 401, status(h, one.Token(good)), "which is remembered")
	assert.Equal(t, 1, r.calls())
	g.Forget(one.Issuer())
	assert.Equal(t, 200, status(h, one.Token(good)))
	assert.Equal(t, 403, status(h, one.Token()))
	assert.Equal(t, 401, status(h, one.Token(good, jwkstest.WithAudience("api://other"))))
	assert.Equal(t, 2, r.calls(), "and so is what it is")

	_, err := g.Verify(t.Context(), other.Token(good))
	assert.Equal(t, reason.UnknownIssuer, reasonOf(t, err))
	assert.Zero(t, other.Fetches(), "an iss is never an address")
	assert.NoError(t, g.Readiness(), "there is no issuer to wait for")
}

func TestConfiguredIssuersAreNotResolved(t *testing.T) {
	t.Parallel()
	r, own := newRows(), newIssuer(t)
	r.put(own.Issuer(), row(own, "api://wider"))
	g := openTenants(t, r, func(cfg *sallyport.Config) { cfg.Providers = []providers.Provider{row(own, audience)} })
	assert.Equal(t, 200, status(g.Authenticate(ok), own.Token()))
	assert.Equal(t, 401, status(g.Authenticate(ok), own.Token(jwkstest.WithAudience("api://wider"))))
	assert.Zero(t, r.calls())
}

func TestAnAnswerIsForTheIssuerThatWasAskedFor(t *testing.T) {
	t.Parallel()
	iss, other := newIssuer(t), newIssuer(t)
	template := row(iss, audience)
	template.Issuers[0].Tokens.Name = "https://login.example/{tenantid}/v2.0"
	both := row(iss, audience)
	both.Issuers = append(both.Issuers, row(other, audience).Issuers...)
	twice := row(iss, audience)
	twice.Issuers = append(twice.Issuers, twice.Issuers...)
	for name, want := range map[string]struct {
		answer providers.Provider
		reason reason.Code
	}{
		"its own":                  {row(iss, audience), ""},
		"its own beside another's": {both, ""},
		"another's":                {row(other, audience), reason.KeysUnavailable},
		"none":                     {providers.Provider{}, reason.KeysUnavailable},
		"its own twice":            {twice, reason.KeysUnavailable},
		"a template":               {template, reason.KeysUnavailable},
		"one with a mistake":       {row(iss), reason.KeysUnavailable},
		"one with an Err":          {providers.Named("nobody", providers.Settings{}), reason.KeysUnavailable},
	} {
		r := newRows()
		r.put(iss.Issuer(), want.answer)
		g := openTenants(t, r)
		_, err := g.Verify(t.Context(), iss.Token())
		if want.reason == "" {
			assert.NoError(t, err, name)
			_, err = g.Verify(t.Context(), other.Token())
			assert.Equal(t, reason.UnknownIssuer, reasonOf(t, err), "%s: what was not asked for is not trusted", name)
			continue
		}
		assert.Equal(t, want.reason, reasonOf(t, err), name)
	}
}

func TestALiteralTemplateInATokenResolvesToNothing(t *testing.T) {
	t.Parallel()
	const name = "https://login.example/{tenantid}/v2.0"
	iss := newIssuer(t)
	template := row(iss, audience)
	template.Issuers[0].Tokens.Name = name
	template.Issuers[0].Tokens.DangerouslyAnyTenant = true
	r := newRows()
	r.put(name, template)
	_, err := openTenants(t, r).Verify(t.Context(), iss.Token(jwkstest.Claims{"iss": name}))
	assert.Equal(t, reason.KeysUnavailable, reasonOf(t, err))
	assert.ErrorContains(t, err, "is a template")
}

func TestWhatNoIssuerIsCalledIsNotAskedFor(t *testing.T) {
	t.Parallel()
	r, iss := newRows(), newIssuer(t)
	g := openTenants(t, r)
	for _, name := range []string{"", fmt.Sprintf("https://issuer.example/%0600d", 1), "https://issuer.example/\u0000", "https://issuer.example/ "} {
		_, err := g.Verify(t.Context(), iss.Token(jwkstest.Claims{"iss": name}))
		assert.Equal(t, reason.UnknownIssuer, reasonOf(t, err), "%.40q", name)
	}
	assert.LessOrEqual(t, r.calls(), 1, "an empty one may be asked for")
}

// bubble runs a test on a clock of its own.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func TestAChangeTakesEffectWithinGoodFor(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	bubble(t, func(t *testing.T) {
		r := newRows()
		r.put(iss.Issuer(), row(iss, audience, "api://old"))
		g := openTenants(t, r)
		h := g.Authenticate(ok)
		old := iss.Token(jwkstest.WithAudience("api://old"), lasting(time.Hour))
		require.Equal(t, 200, status(h, old))
		r.put(iss.Issuer(), row(iss, audience))
		assert.Equal(t, 200, status(h, old), "the answer still holds")
		time.Sleep(5 * time.Minute)
		assert.Equal(t, 401, status(h, old), "nobody called meanwhile")
		assert.Equal(t, 401, status(h, old))
		assert.Equal(t, 200, status(h, iss.Token()))
		r.drop(iss.Issuer())
		time.Sleep(5 * time.Minute)
		assert.Equal(t, 401, status(h, iss.Token()), "a tenant that left")
	})
}

func TestARowThatStaysKeepsKeysAndTokensAndNobodyWaits(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	bubble(t, func(t *testing.T) {
		r := newRows()
		r.put(iss.Issuer(), row(iss, audience))
		var seen, fresh int
		g := openTenants(t, r, func(cfg *sallyport.Config) {
			cfg.Guard.OnEvent = func(_ context.Context, e middleware.Event) {
				if e.Seen {
					seen++
				} else {
					fresh++
				}
				assert.Equal(t, iss.Issuer(), e.Issuer)
			}
		})
		h, token := g.Authenticate(ok), iss.Token(lasting(3*time.Hour))
		r.waiting = func(ctx context.Context, _ string) { pause(ctx, 3*time.Second) } // a slow database
		for range 120 {
			begun := time.Now()
			assert.Equal(t, 200, status(h, token))
			if seen > 0 {
				assert.Zero(t, time.Since(begun), "who calls while the answer holds does not wait for the next")
			}
			time.Sleep(time.Minute)
		}
		assert.Equal(t, 1, fresh)
		assert.Equal(t, 119, seen)
		assert.InDelta(t, 120/4, r.calls(), 3, "asked in the last quarter of each answer")
	})
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func TestAResolverThatFailsOrIsSlowIsA503ForItsIssuerAlone(t *testing.T) {
	t.Parallel()
	one, other := newIssuer(t), newIssuer(t)
	for name, trouble := range map[string]func(ctx context.Context) error{
		"an error":  func(context.Context) error { return errors.New("the database is down") },
		"a panic":   func(context.Context) error { panic("nil map") },
		"no answer": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		bubble(t, func(t *testing.T) {
			r := newRows()
			r.put(other.Issuer(), row(other, audience))
			var calls atomic.Int64
			g := openTenants(t, r, func(cfg *sallyport.Config) {
				cfg.Resolve = func(ctx context.Context, iss string) (providers.Provider, error) {
					if iss == one.Issuer() {
						calls.Add(1)
						return providers.Provider{}, trouble(ctx)
					}
					return r.resolve(ctx, iss)
				}
			})
			h := g.Authenticate(ok)
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() { assert.Equal(t, 503, status(h, one.Token()), name) })
			}
			begun := time.Now()
			assert.Equal(t, 200, status(h, other.Token()), name)
			assert.Zero(t, time.Since(begun), "%s: nobody else waits", name)
			wg.Wait()
			assert.EqualValues(t, 1, calls.Load(), "%s: callers share a call", name)
			_, err := g.Verify(t.Context(), one.Token())
			assert.Equal(t, reason.KeysUnavailable, reasonOf(t, err), name)
			assert.EqualValues(t, 1, calls.Load(), "%s: which is remembered", name)
			var refusal *verifier.Error
			require.ErrorAs(t, err, &refusal)
			assert.GreaterOrEqual(t, refusal.RetryAfter, time.Second)
			time.Sleep(5 * time.Second)
			_, _ = g.Verify(t.Context(), one.Token())
			assert.EqualValues(t, 2, calls.Load(), "%s: briefly", name)
		})
	}
}

func TestAnOutageOfTheResolverIsSurvivedWhileItsAnswersHold(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	bubble(t, func(t *testing.T) {
		r := newRows()
		r.put(iss.Issuer(), row(iss, audience))
		h := openTenants(t, r).Authenticate(ok)
		token := iss.Token(lasting(time.Hour))
		require.Equal(t, 200, status(h, token))
		r.failing(errors.New("the database is down"))
		time.Sleep(5*time.Minute - time.Second)
		assert.Equal(t, 200, status(h, token))
		time.Sleep(time.Second)
		assert.Equal(t, 503, status(h, token), "what may have changed is not trusted")
		r.failing(nil)
		time.Sleep(5 * time.Second)
		assert.Equal(t, 200, status(h, token))
	})
}

func TestAFloodOfInventedIssuersCostsABoundedNumberOfCalls(t *testing.T) {
	t.Parallel()
	iss, late := newIssuer(t), newIssuer(t)
	bubble(t, func(t *testing.T) {
		r := newRows()
		r.put(iss.Issuer(), row(iss, audience))
		r.put(late.Issuer(), row(late, audience))
		g := openTenants(t, r)
		h := g.Authenticate(ok)
		token := iss.Token(lasting(time.Hour))
		require.Equal(t, 200, status(h, token))
		count := map[int]int{}
		flood := func(from, to int) {
			for i := from; i < to; i++ {
				count[status(h, iss.Token(jwkstest.Claims{"iss": fmt.Sprint("https://invented.example/", i)}))]++
			}
		}
		flood(0, 1000)
		assert.Equal(t, map[int]int{401: 100, 503: 900}, count)
		assert.Equal(t, 101, r.calls(), "a burst, and the tenant's own")
		flood(0, 100)
		assert.Equal(t, 200, count[401], "what was found out is remembered")
		assert.Equal(t, 101, r.calls())
		assert.Equal(t, 200, status(h, token), "what is known goes on")
		assert.Equal(t, 200, status(h, iss.Token()))
		assert.Equal(t, 503, status(h, late.Token()), "what was not met before has to wait")
		for i := range 100 {
			time.Sleep(time.Second)
			flood(1000+100*i, 1100+100*i)
		}
		assert.Equal(t, 101+100*10, r.calls(), "and one more each 100 ms")
		time.Sleep(time.Second)
		assert.Equal(t, 200, status(h, late.Token()))
	})
}

func TestTenantsThatAreFoundCostNothingOfTheBudget(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	bubble(t, func(t *testing.T) {
		r := newRows()
		h := openTenants(t, r).Authenticate(ok)
		for i := range 1000 {
			name := fmt.Sprint("https://tenant.example/", i)
			p := row(iss, audience)
			p.Issuers[0].Tokens.Name = name
			r.put(name, p)
			assert.Equal(t, 200, status(h, iss.Token(jwkstest.Claims{"iss": name})))
		}
	})
}

func TestNoIssuerOpensAnother(t *testing.T) {
	t.Parallel()
	// GO-2026-5872: keys that were found by kid alone opened what another tenant's
	// token asked for.
	one, other := newIssuer(t), newIssuer(t)
	require.Equal(t, one.Key().ID(), other.Key().ID(), "the same kid")
	r := newRows()
	r.put(one.Issuer(), providers.Generic(one.Issuer(), audience))
	r.put(other.Issuer(), providers.Generic(other.Issuer(), audience))
	h := openTenants(t, r).Authenticate(ok)
	forged := one.Token(jwkstest.Claims{"iss": other.Issuer()})
	for range 2 { // before and after the keys of both are there
		assert.Equal(t, 401, status(h, forged))
		assert.Equal(t, 200, status(h, one.Token()))
		assert.Equal(t, 401, status(h, forged))
		assert.Equal(t, 200, status(h, other.Token()))
		assert.Equal(t, 401, status(h, other.Token(jwkstest.Claims{"iss": one.Issuer()})))
	}
}

func TestAPolicyOfOneTenantIsNoOthersEvenWithTheSameKeys(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	r := newRows()
	wide, narrow := row(iss, audience, "api://wide"), row(iss, audience)
	wide.Issuers[0].Tokens.Name, narrow.Issuers[0].Tokens.Name = "https://wide.example", "https://narrow.example"
	r.put("https://wide.example", wide)
	r.put("https://narrow.example", narrow)
	h := openTenants(t, r).Authenticate(ok)
	for range 2 {
		assert.Equal(t, 200, status(h, iss.Token(jwkstest.Claims{"iss": "https://wide.example"}, jwkstest.WithAudience("api://wide"))))
		assert.Equal(t, 401, status(h, iss.Token(jwkstest.Claims{"iss": "https://narrow.example"}, jwkstest.WithAudience("api://wide"))))
	}
}

func TestWhatIsForgottenTakesItsVerifiedTokensAlong(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	r := newRows()
	r.put(iss.Issuer(), row(iss, audience, "api://old"))
	g := openTenants(t, r)
	h, token := g.Authenticate(ok), iss.Token(jwkstest.WithAudience("api://old"))
	require.Equal(t, 200, status(h, token))
	require.Equal(t, 200, status(h, token))
	r.put(iss.Issuer(), row(iss, audience)) // with the very same keys
	g.Forget(iss.Issuer())
	assert.Equal(t, 401, status(h, token))
	r.drop(iss.Issuer())
	g.Forget(iss.Issuer())
	assert.Equal(t, 401, status(h, iss.Token()))
}

func TestATenantsAddressLeadsIntoNoPrivateNetwork(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	r := newRows()
	r.put(iss.Issuer(), providers.Generic(iss.Issuer(), audience))
	g := openTenants(t, r, func(cfg *sallyport.Config) { cfg.Resolving.DangerouslyPrivateNetworks = false })
	_, err := g.Verify(t.Context(), iss.Token())
	assert.Equal(t, reason.KeysUnavailable, reasonOf(t, err))
	assert.ErrorContains(t, err, "is not in a public network")
	assert.Zero(t, iss.Fetches())

	own := openTenants(t, r, func(cfg *sallyport.Config) {
		cfg.Resolving.DangerouslyPrivateNetworks = false
		cfg.Providers, cfg.Resolve = []providers.Provider{providers.Generic(iss.Issuer(), audience)}, r.resolve
	})
	assert.Equal(t, 200, status(own.Authenticate(ok), iss.Token()), "the owner's own addresses may")
}

func TestIdleTenantsAreLetGoWithTheirKeys(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	bubble(t, func(t *testing.T) {
		r := newRows()
		r.put(iss.Issuer(), row(iss, audience))
		g := openTenants(t, r, func(cfg *sallyport.Config) { cfg.Resolving.GoodFor = 10 * time.Hour })
		h, token := g.Authenticate(ok), iss.Token(lasting(9*time.Hour))
		for range 4 {
			require.Equal(t, 200, status(h, token))
			time.Sleep(50 * time.Minute)
		}
		assert.Equal(t, 1, r.calls(), "it is in use")
		time.Sleep(12 * time.Minute)
		require.Equal(t, 200, status(h, token))
		assert.Equal(t, 2, r.calls())
		forged := iss.Token(jwkstest.Claims{"sub": "x"}, jwkstest.WithAudience("api://other"))
		for range 62 {
			require.Equal(t, 401, status(h, forged))
			time.Sleep(time.Minute)
		}
		assert.Equal(t, 3, r.calls(), "bad tokens keep nothing in use")
	})
}

func TestTenantsAreHeldToTheProfile(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	r := newRows()
	r.put(iss.Issuer(), row(iss, audience))
	g := openTenants(t, r, func(cfg *sallyport.Config) { cfg.Profile = sallyport.RFC9068 })
	_, err := g.Verify(t.Context(), iss.Token(jwkstest.Header{"typ": "JWT"}))
	assert.Equal(t, reason.UnsupportedType, reasonOf(t, err))
}

func TestADistrustedKeyOfATenantOpensNothing(t *testing.T) {
	t.Parallel()
	known, later := newIssuer(t), newIssuer(t)
	r := newRows()
	good := map[*jwkstest.Issuer]string{}
	leaked := map[*jwkstest.Issuer]*jwkstest.Key{known: known.Key(), later: later.Key()}
	for iss := range leaked {
		next := iss.NewKey("ES256")
		iss.Publish(next)
		good[iss] = iss.Token(jwkstest.WithKey(next))
		r.put(iss.Issuer(), providers.Generic(iss.Issuer(), audience))
	}
	g := openTenants(t, r)
	require.Equal(t, 200, status(g.Authenticate(ok), known.Token()))
	for iss, key := range leaked {
		require.NoError(t, g.Distrust(iss.Issuer(), key.ID()))
		for range 2 {
			assert.Equal(t, 200, status(g.Authenticate(ok), good[iss]), "its other key does")
			assert.Equal(t, 401, status(g.Authenticate(ok), iss.Token(jwkstest.WithKey(key))))
			g.Forget(iss.Issuer()) // nor does it after it is resolved again
		}
	}
}

func TestACallerThatLeavesIsNoRefusal(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	bubble(t, func(t *testing.T) {
		r := newRows()
		r.put(iss.Issuer(), row(iss, audience))
		r.waiting = func(ctx context.Context, _ string) { pause(ctx, 2*time.Second) }
		g := openTenants(t, r)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := g.Verify(ctx, iss.Token())
		assert.Equal(t, reason.Canceled, reasonOf(t, err))
		_, err = g.Verify(t.Context(), iss.Token())
		assert.NoError(t, err)
		assert.Equal(t, 1, r.calls(), "the call went on for others")
	})
}

func TestMetricsHaveOneLabelForAllTenants(t *testing.T) {
	t.Parallel()
	r, reader := newRows(), sdkmetric.NewManualReader()
	g := openTenants(t, r, func(cfg *sallyport.Config) {
		cfg.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	})
	for range 3 {
		iss := newIssuer(t)
		r.put(iss.Issuer(), providers.Generic(iss.Issuer(), audience))
		assert.Equal(t, 200, status(g.Authenticate(ok), iss.Token()))
		assert.NotContains(t, fmt.Sprintf("%+v", collect(t, reader)), iss.Issuer())
	}
	assert.Contains(t, fmt.Sprintf("%+v", collect(t, reader)), "other")
}

func TestMistakesOfResolve(t *testing.T) {
	t.Parallel()
	resolve := newRows().resolve
	for want, cfg := range map[string]sallyport.Config{
		"Resolving is set without Resolve": {Resolving: sallyport.Resolving{MaxIssuers: 1}},
		"Resolving.MaxIdle is negative":    {Resolve: resolve, Resolving: sallyport.Resolving{MaxIdle: -1}},
		"Resolving.Burst is negative":      {Resolve: resolve, Resolving: sallyport.Resolving{Burst: -1}},
		"Verifier has a Lookup beside":     {Resolve: resolve, Verifier: verifier.Config{Lookup: func(context.Context, string) (verifier.Known, error) { return verifier.Known{}, nil }}},
		"no Issuers: name at least one":    {},
	} {
		_, err := sallyport.Open(cfg)
		assert.ErrorContains(t, err, want)
	}
	cfg := sallyport.Config{Resolve: resolve}
	cfg.Keys.Client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	_, err := sallyport.Open(cfg)
	assert.ErrorContains(t, err, "PublicNetworksOnly: the Transport of Client has a Proxy")
	cfg.Resolving.DangerouslyPrivateNetworks = true
	g, err := sallyport.Open(cfg)
	closing(t, g, err)
}

func TestACallThatWaitsForKeysOfATenantThatIsForgottenEndsAsItBegan(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	r := newRows()
	r.put(iss.Issuer(), providers.Generic(iss.Issuer(), audience))
	g := openTenants(t, r)
	require.Equal(t, 200, status(g.Authenticate(ok), iss.Token()))
	got, release := callThatWaits(t, g, iss, iss.NewKey("ES256"))
	g.Forget(iss.Issuer())
	release()
	assert.Equal(t, 200, <-got)
}

// callThatWaits publishes a key and makes a call with a token of it, which waits for the
// keys until release is called. The call's status is sent to got.
func callThatWaits(t *testing.T, g *sallyport.Gate, iss *jwkstest.Issuer, key *jwkstest.Key) (got <-chan int, release func()) {
	t.Helper()
	iss.Publish(key)
	fetches, release := iss.Fetches(), iss.Hang()
	answered := make(chan int, 1)
	go func() { answered <- status(g.Authenticate(ok), iss.Token(jwkstest.WithKey(key))) }()
	require.Eventually(t, func() bool { return iss.Fetches() > fetches }, time.Minute, time.Millisecond)
	return answered, release
}

// lasting is a token that is good for so long.
func lasting(d time.Duration) jwkstest.TokenOption {
	return jwkstest.Claims{"exp": time.Now().Add(d).Unix()}
}
