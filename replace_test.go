package sallyport_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

// trusting is the configuration of a Gate for these issuers.
func trusting(from ...providers.Provider) sallyport.Config { return sallyport.Config{Providers: from} }

func open(tb testing.TB, cfg sallyport.Config) *sallyport.Gate {
	tb.Helper()
	g, err := sallyport.Open(cfg)
	return closing(tb, g, err)
}

func TestANarrowedAudienceTakesEffectAtOnceForSeenTokensToo(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	for name, p := range map[string]func(audiences ...string) providers.Provider{
		"keys that are fetched": func(audiences ...string) providers.Provider { return providers.Generic(iss.Issuer(), audiences...) },
		"keys that were given":  func(audiences ...string) providers.Provider { return row(iss, audiences...) },
	} {
		g := open(t, trusting(p(audience, "api://old")))
		h, old := g.Authenticate(ok), iss.Token(jwkstest.WithAudience("api://old"))
		require.Equal(t, 200, status(h, old), name)
		require.NoError(t, g.Replace(t.Context(), trusting(p(audience))), name)
		assert.Equal(t, 401, status(h, old), name)
		_, err := g.Verify(t.Context(), old)
		assert.Equal(t, reason.WrongAudience, reasonOf(t, err), name)
		assert.Equal(t, reason.WrongAudience, g.Explain(t.Context(), old).Reason, name)
		assert.Equal(t, 200, status(h, iss.Token()), name)
		require.NoError(t, g.Replace(t.Context(), trusting(p(audience, "api://old"))), name)
		assert.Equal(t, 200, status(h, old), name)
	}
}

func TestAnUnchangedIssuerKeepsItsKeysAndItsTokens(t *testing.T) {
	t.Parallel()
	iss, other := newIssuer(t), newIssuer(t)
	seen := map[bool]int{}
	config := func() sallyport.Config {
		cfg := trusting(providers.Generic(iss.Issuer(), audience).WithClients("test-client"))
		cfg.Guard.OnEvent = func(_ context.Context, e middleware.Event) { seen[e.Seen]++ }
		return cfg
	}
	g := open(t, config())
	h, token := g.Authenticate(ok), iss.Token()
	require.Equal(t, 200, status(h, token))
	for range 3 {
		cfg := config()
		cfg.Providers = append(cfg.Providers, providers.Generic(other.Issuer(), audience))
		cfg.Verifier.Leeway = time.Second // which is of every call
		require.NoError(t, g.Replace(t.Context(), cfg))
		assert.Equal(t, 200, status(h, token))
		require.NoError(t, g.Replace(t.Context(), config()))
		assert.Equal(t, 200, status(h, token))
	}
	assert.Equal(t, map[bool]int{false: 1, true: 6}, seen)
	assert.Equal(t, 1, iss.Fetches())
	assert.Equal(t, 3, other.Fetches(), "it was gone in between")
	require.Len(t, g.Keys(), 1)
}

func TestAnythingElseCountsAsAnotherPolicy(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sallyport.Config){
		"clients":       func(cfg *sallyport.Config) { cfg.Providers[0] = cfg.Providers[0].WithClients("test-client") },
		"a setting":     func(cfg *sallyport.Config) { cfg.Keys.Cooldown = time.Minute },
		"a client":      func(cfg *sallyport.Config) { cfg.Keys.Client = &http.Client{} },
		"a profile":     func(cfg *sallyport.Config) { cfg.Profile = sallyport.RFC9068 },
		"a function":    func(cfg *sallyport.Config) { cfg.Keys.OnEvent = func(jwks.Event) {} },
		"the cache":     func(cfg *sallyport.Config) { cfg.Verifier.CacheBytes = 1 << 20 },
		"a hint":        func(cfg *sallyport.Config) { cfg.Providers[0].Issuers[0].Tokens.Hints = map[string]string{"typ:": "x"} },
		"two functions": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iss := newIssuer(t)
			var seen []bool
			config := func() sallyport.Config {
				cfg := trusting(providers.Generic(iss.Issuer(), audience))
				cfg.Guard.OnEvent = func(_ context.Context, e middleware.Event) { seen = append(seen, e.Seen) }
				if change == nil {
					cfg.Keys.OnEvent = func(jwks.Event) {}
				}
				return cfg
			}
			g := open(t, config())
			token := iss.Token()
			require.Equal(t, 200, status(g.Authenticate(ok), token))
			cfg := config()
			if change != nil {
				change(&cfg)
			}
			require.NoError(t, g.Replace(t.Context(), cfg))
			assert.Equal(t, 200, status(g.Authenticate(ok), token))
			assert.Equal(t, []bool{false, false}, seen)
			want := 2
			if name == "the cache" {
				want = 1
			}
			assert.Equal(t, want, iss.Fetches())
		})
	}
}

func TestAListThatItsOwnerChangedInPlaceIsAnotherPolicy(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	cfg := trusting(row(iss, audience))
	g := open(t, cfg)
	token := iss.Token()
	require.Equal(t, 200, status(g.Authenticate(ok), token))
	cfg.Providers[0].Issuers[0].Tokens.Audiences[0] = "api://other"
	assert.Equal(t, 200, status(g.Authenticate(ok), token), "the Gate has its own")
	require.NoError(t, g.Replace(t.Context(), cfg))
	assert.Equal(t, 401, status(g.Authenticate(ok), token))
}

func TestReplaceIsAllOrNothing(t *testing.T) {
	t.Parallel()
	iss, dead := newIssuer(t), newIssuer(t)
	dead.Fail(http.StatusBadGateway)
	g := open(t, trusting(providers.Generic(iss.Issuer(), audience, "api://old")))
	h, old := g.Authenticate(ok), iss.Token(jwkstest.WithAudience("api://old"))
	require.Equal(t, 200, status(h, old))
	narrowed := providers.Generic(iss.Issuer(), audience)
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for want, do := range map[string]func() error{
		"Audiences is empty": func() error { return g.Replace(t.Context(), trusting(providers.Generic(iss.Issuer()))) },
		"the keys of \"" + dead.Issuer() + "\": jwks: no usable keys yet": func() error {
			return g.Replace(short, trusting(narrowed, providers.Generic(dead.Issuer(), audience)))
		},
		"Guard.Resource cannot be replaced": func() error {
			cfg := trusting(narrowed)
			cfg.Guard.Resource = "https://api.example"
			return g.Replace(t.Context(), cfg)
		},
		"Guard.Exempt cannot be replaced": func() error {
			cfg := trusting(narrowed)
			cfg.Guard.Exempt = []string{"/healthz"}
			return g.Replace(t.Context(), cfg)
		},
		"Realm has characters": func() error {
			cfg := trusting(narrowed)
			cfg.Guard.Realm = "\n"
			return g.Replace(t.Context(), cfg)
		},
	} {
		assert.ErrorContains(t, do(), want)
		assert.Equal(t, 200, status(h, old), want)
		assert.Len(t, g.Keys(), 1, want)
	}
	assert.Equal(t, 1, iss.Fetches()-1, "that of the one whose other issuer is down; the Gate kept its own keys")
}

func TestWhatWasMadeWithTheGateFollows(t *testing.T) {
	t.Parallel()
	iss, next := newIssuer(t), newIssuer(t)
	cfg := trusting(row(iss, audience))
	cfg.Guard.Resource = "https://api.example/orders"
	g := open(t, cfg)
	table, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": claims.AnyToken()}})
	require.NoError(t, err)
	metadata, err := g.MetadataHandler(middleware.Metadata{})
	require.NoError(t, err)
	metas := func() string {
		w := httptest.NewRecorder()
		metadata.ServeHTTP(w, httptest.NewRequest(http.MethodGet, g.MetadataPath(), nil))
		var document struct {
			Servers []string `json:"authorization_servers"`
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &document))
		return fmt.Sprint(document.Servers)
	}
	handlers := map[string]http.Handler{
		"Require": g.Require(claims.AnyToken())(ok), "Authenticate": g.Authenticate(ok), "Optional": g.Optional(ok), "Enforce": table(ok),
	}
	assert.Equal(t, "["+iss.Issuer()+"]", metas())
	changed := trusting(row(next, audience))
	changed.Guard.Resource, changed.Guard.Realm = cfg.Guard.Resource, "renewed"
	require.NoError(t, g.Replace(t.Context(), changed))
	for name, h := range handlers {
		assert.Equal(t, 401, status(h, iss.Token()), name)
		assert.Equal(t, 200, status(h, next.Token()), name)
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer x")
		h.ServeHTTP(w, r)
		assert.Contains(t, w.Header().Get("WWW-Authenticate"), `realm="renewed"`, name)
	}
	assert.Equal(t, "["+next.Issuer()+"]", metas())
	assert.NoError(t, g.Readiness(next.Issuer()))
	assert.ErrorContains(t, g.Readiness(iss.Issuer()), "no such issuer")
	resolving := sallyport.Config{Resolve: newRows().resolve}
	resolving.Guard.Resource = cfg.Guard.Resource
	assert.ErrorContains(t, g.Replace(t.Context(), resolving), "a MetadataHandler names the issuers")
}

func TestReplaceLoadsKeysFirstAndRefusesNobody(t *testing.T) {
	t.Parallel()
	one, other := newIssuer(t), newIssuer(t)
	config := func(n int) sallyport.Config {
		p := providers.Generic(one.Issuer(), audience, fmt.Sprint("api://", n%3)) // changed each time
		cfg := trusting(p)
		if n%2 == 0 {
			cfg.Providers = append(cfg.Providers, providers.Generic(other.Issuer(), audience))
		}
		return cfg
	}
	g := open(t, config(0))
	require.NoError(t, g.Ready(t.Context()))
	api := httptest.NewServer(g.Require(claims.AnyToken())(ok))
	defer api.Close()
	var answers [600]atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for n := range 4 {
		callers.Go(func() {
			token := one.Token(jwkstest.Claims{"jti": n})
			for i := 0; ctx.Err() == nil; i++ {
				if i%3 == 0 {
					token = one.Token(jwkstest.Claims{"jti": fmt.Sprint(n, i)})
				}
				req, _ := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, api.URL, http.NoBody)
				req.Header.Set("Authorization", "Bearer "+token)
				resp, err := api.Client().Do(req)
				if assert.NoError(t, err) {
					_ = resp.Body.Close()
					answers[resp.StatusCode].Add(1)
				}
			}
		})
	}
	for n := range 60 {
		require.NoError(t, g.Replace(t.Context(), config(n+1)))
		for before := answers[200].Load(); answers[200].Load() < before+8; {
			time.Sleep(time.Millisecond)
		}
	}
	stop()
	callers.Wait()
	for code := range answers {
		if n := answers[code].Load(); n > 0 {
			assert.Equal(t, 200, code, "%d answers", n)
		}
	}
	t.Logf("replaced 60 times under %d calls", answers[200].Load())
}

func TestACallThatWaitsForKeysEndsAsItBegan(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	g := open(t, trusting(providers.Generic(iss.Issuer(), audience)))
	require.NoError(t, g.Ready(t.Context()))
	key := iss.NewKey("ES256")
	iss.Publish(key)
	fetches, release := iss.Fetches(), iss.Hang()
	got := make(chan int)
	go func() { got <- status(g.Authenticate(ok), iss.Token(jwkstest.WithKey(key))) }()
	assert.Eventually(t, func() bool { return iss.Fetches() > fetches }, time.Minute, time.Millisecond)
	require.NoError(t, g.Replace(t.Context(), trusting(row(newIssuer(t), audience))))
	release()
	assert.Equal(t, 200, <-got, "its issuer is gone since")
	assert.Equal(t, 401, status(g.Authenticate(ok), iss.Token()))
}

func TestADistrustedKeyStaysSoThroughReplace(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	leaked, next := iss.Key(), iss.NewKey("ES256")
	iss.Publish(next)
	g := open(t, trusting(providers.Generic(iss.Issuer(), audience)))
	require.NoError(t, g.Ready(t.Context()))
	require.NoError(t, g.Distrust(iss.Issuer(), leaked.ID()))
	require.NoError(t, g.Replace(t.Context(), trusting(providers.Generic(iss.Issuer(), audience, "api://other"))))
	assert.Equal(t, 401, status(g.Authenticate(ok), iss.Token(jwkstest.WithKey(leaked))))
	assert.Equal(t, 200, status(g.Authenticate(ok), iss.Token(jwkstest.WithKey(next))))
}

func TestTenantsAreAskedForAgainAfterReplace(t *testing.T) {
	t.Parallel()
	kept, changed := newIssuer(t), newIssuer(t)
	r := newRows()
	r.put(kept.Issuer(), providers.Generic(kept.Issuer(), audience))
	r.put(changed.Issuer(), providers.Generic(changed.Issuer(), audience, "api://old"))
	config := func(resolve func(context.Context, string) (providers.Provider, error)) sallyport.Config {
		return sallyport.Config{Resolve: resolve, Resolving: sallyport.Resolving{DangerouslyPrivateNetworks: true}}
	}
	g := open(t, config(r.resolve))
	h, token, old := g.Authenticate(ok), kept.Token(), changed.Token(jwkstest.WithAudience("api://old"))
	require.Equal(t, 200, status(h, token))
	require.Equal(t, 200, status(h, old))

	next := newRows()
	next.put(kept.Issuer(), providers.Generic(kept.Issuer(), audience))
	next.put(changed.Issuer(), providers.Generic(changed.Issuer(), audience))
	require.NoError(t, g.Replace(t.Context(), config(next.resolve)))
	assert.Equal(t, 200, status(h, token))
	assert.Equal(t, 401, status(h, old), "its row is another one now")
	assert.Equal(t, 2, next.calls())
	assert.Equal(t, 1, kept.Fetches(), "its row is the same")
	assert.Equal(t, 2, changed.Fetches())

	require.NoError(t, g.Replace(t.Context(), trusting(row(changed, audience))))
	assert.Equal(t, 401, status(h, token), "nobody is asked any more")
	g.Forget(kept.Issuer())
	require.NoError(t, g.Replace(t.Context(), config(next.resolve)))
	assert.Equal(t, 200, status(h, token))
}

func TestReplaceAndClose(t *testing.T) {
	t.Parallel()
	iss, dead := newIssuer(t), newIssuer(t)
	g, err := sallyport.New(iss.Issuer(), audience)
	require.NoError(t, err)
	dead.Fail(http.StatusBadGateway)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error)
	go func() { got <- g.Replace(ctx, trusting(providers.Generic(dead.Issuer(), audience))) }()
	assert.Eventually(t, func() bool { return dead.DiscoveryFetches() > 0 }, time.Minute, time.Millisecond)
	ended, end := context.WithCancel(t.Context())
	end()
	assert.ErrorIs(t, g.Replace(ended, trusting(row(iss, audience))), context.Canceled, "one at a time")
	require.NoError(t, g.Close(), "it does not wait for Replace")
	dead.Restore()
	assert.ErrorIs(t, <-got, jwks.ErrClosed)
	cancel()
	assert.ErrorIs(t, g.Replace(t.Context(), trusting(row(iss, audience))), jwks.ErrClosed)
}

func TestMetricsFollowReplace(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	one, other := sdkmetric.NewManualReader(), sdkmetric.NewManualReader()
	first, second := sdkmetric.NewMeterProvider(sdkmetric.WithReader(one)), sdkmetric.NewMeterProvider(sdkmetric.WithReader(other))
	cfg := trusting(row(iss, audience))
	cfg.MeterProvider = first
	g := open(t, cfg)
	cfg.Verifier.CacheBytes = 1 << 20
	require.NoError(t, g.Replace(t.Context(), cfg))
	assert.Contains(t, fmt.Sprintf("%+v", collect(t, one)), "Value:1048576", "of the cache that is in use")
	cfg.MeterProvider = second
	require.NoError(t, g.Replace(t.Context(), cfg))
	assert.NotContains(t, fmt.Sprintf("%+v", collect(t, one)), "Value:1048576")
	assert.Contains(t, fmt.Sprintf("%+v", collect(t, other)), "Value:1048576")
	cfg.MeterProvider = nil
	require.NoError(t, g.Replace(t.Context(), cfg))
	assert.NotContains(t, fmt.Sprintf("%+v", collect(t, other)), "Value:1048576", "none reads it any more")
}

// theTenant is one of those that a template is for.
const theTenant = "11111111-2222-3333-4444-555555555555"

func TestATenantThatGetsAnIssuerOfItsOwnIsJudgedByThatAtOnce(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	template, own := row(iss, audience, "api://old"), row(iss, audience)
	template.Issuers[0].Tokens.Name = "https://login.example/{tenantid}/v2.0"
	template.Issuers[0].Tokens.Tenants = []string{theTenant}
	own.Issuers[0].Tokens.Name = "https://login.example/" + theTenant + "/v2.0"
	key := iss.NewKey("ES256", jwkstest.JWK{"issuer": template.Issuers[0].Tokens.Name})
	iss.Publish(key)
	g := open(t, trusting(template))
	h := g.Authenticate(ok)
	old := iss.Token(jwkstest.WithKey(key), jwkstest.Claims{"iss": own.Issuers[0].Tokens.Name, "tid": theTenant}, jwkstest.WithAudience("api://old"))
	require.Equal(t, 200, status(h, old))
	require.NoError(t, g.Replace(t.Context(), trusting(template, own)))
	assert.Equal(t, 401, status(h, old))
	require.NoError(t, g.Replace(t.Context(), trusting(template)))
	assert.Equal(t, 200, status(h, old))
}

func TestATenantThatIsConfiguredIsJudgedByThatAlsoWhileACallAsksForItsRow(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	for name, configured := range map[string]func() providers.Provider{
		"by its name": func() providers.Provider { return row(iss, audience) },
		"by a template, which does not have it": func() providers.Provider {
			p := row(iss, audience)
			p.Issuers[0].Tokens.Name, p.Issuers[0].Tokens.Tenants = "https://login.example/{tenantid}", []string{"22222222-2222-3333-4444-555555555555"}
			return p
		},
	} {
		bubble(t, func(t *testing.T) {
			r, tenant := newRows(), row(iss, audience, "api://old")
			if name != "by its name" {
				tenant.Issuers[0].Tokens.Name = "https://login.example/" + theTenant
			}
			r.put(tenant.Issuers[0].Tokens.Name, tenant)
			g := openTenants(t, r)
			h, old := g.Authenticate(ok), iss.Token(lasting(time.Hour), jwkstest.Claims{"iss": tenant.Issuers[0].Tokens.Name}, jwkstest.WithAudience("api://old"))
			require.Equal(t, 200, status(h, old), name)
			time.Sleep(5 * time.Minute) // it is to be confirmed
			r.waiting = func(ctx context.Context, _ string) { pause(ctx, time.Second) }
			got := make(chan int)
			go func() { got <- status(h, old) }()
			synctest.Wait()
			cfg := trusting(configured())
			cfg.Resolve, cfg.Resolving.DangerouslyPrivateNetworks = r.resolve, true
			require.NoError(t, g.Replace(t.Context(), cfg))
			assert.Equal(t, 503, <-got, name)
			assert.Equal(t, 401, status(h, old), name)
			assert.Equal(t, 2, r.calls(), "%s: its row is not asked for", name)
		})
	}
}

func TestReplaceDoesNotWaitForAResolveThatHangs(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		g := open(t, sallyport.Config{Resolve: func(context.Context, string) (providers.Provider, error) {
			<-release
			return providers.Provider{}, reason.UnknownIssuer
		}})
		got := make(chan int)
		go func() { got <- status(g.Authenticate(ok), iss.Token()) }()
		synctest.Wait()
		begun := time.Now()
		require.NoError(t, g.Replace(t.Context(), trusting(row(iss, audience))))
		assert.Equal(t, 503, <-got)
		require.ErrorContains(t, g.Distrust(iss.Issuer(), "a"), "were given", "nor does anything else")
		assert.Zero(t, time.Since(begun))
	})
}

func TestCloseEndsTheLoadingOfKeysForReplace(t *testing.T) {
	t.Parallel()
	iss, dead := newIssuer(t), newIssuer(t)
	g, err := sallyport.New(iss.Issuer(), audience)
	require.NoError(t, err)
	dead.Fail(http.StatusBadGateway)
	next := trusting(providers.Generic(dead.Issuer(), audience))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // which nothing waits for
	defer cancel()
	got := make(chan error)
	go func() { got <- g.Replace(ctx, next) }()
	assert.Eventually(t, func() bool { return dead.DiscoveryFetches() > 0 }, time.Minute, time.Millisecond)
	require.NoError(t, g.Close())
	assert.ErrorIs(t, <-got, jwks.ErrClosed)
	fetches := dead.DiscoveryFetches()
	assert.ErrorIs(t, g.Replace(ctx, next), jwks.ErrClosed)
	assert.Equal(t, fetches, dead.DiscoveryFetches(), "nothing is loaded after it")
}
