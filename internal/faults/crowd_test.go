package faults_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

func bubble(t *testing.T, f func(t *testing.T, w *world), change ...settings) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, change...)) })
}

// load is callers who always have a fresh token.
type load struct {
	w       *world
	mu      sync.Mutex
	answers map[string]int
	longest time.Duration
	stop    chan struct{}
	ended   sync.WaitGroup
}

// load starts callers who bring what mint returns, ten times a second each.
func (w *world) load(callers int, mint func() string) *load {
	l := &load{w: w, answers: map[string]int{}, stop: make(chan struct{})}
	for range callers {
		l.ended.Go(func() {
			for {
				a := w.call(mint())
				l.mu.Lock()
				l.answers[a.String()]++
				l.longest = max(l.longest, a.took)
				l.mu.Unlock()
				select {
				case <-l.stop:
					return
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
	}
	return l
}

// end stops the callers. Each answer has to be the wanted one; end returns how
// often it came, and for how long a caller waited at most.
func (l *load) end(want string) (n int, longest time.Duration) {
	l.w.t.Helper()
	close(l.stop)
	l.ended.Wait()
	assert.Positive(l.w.t, l.answers[want])
	assert.Equal(l.w.t, map[string]int{want: l.answers[want]}, l.answers)
	return l.answers[want], l.longest
}

func TestAThousandCallersOfAColdStartCauseOneFetch(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		trouble func(w *world)
		want    string
	}{
		"the issuer is slow":     {func(w *world) { w.iss.Slow(2 * time.Second) }, "200"},
		"the issuer is down":     {func(w *world) { w.iss.Fail(http.StatusBadGateway) }, "503 keys_unavailable"},
		"the issuer never stops": {func(w *world) { w.iss.Hang() }, "503 keys_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				row.trouble(w)
				var tokens []string // of fifty clients, who make twenty calls each
				for range 50 {
					tokens = append(tokens, slices.Repeat([]string{w.long(w.known)}, 20)...)
				}
				assert.Equal(t, map[string]int{row.want: 1000}, tally(w.crowd(tokens...)))
				assert.Equal(t, uint64(1), w.status().Fetches)
				assert.LessOrEqual(t, w.iss.Fetches(), 1)
				assert.LessOrEqual(t, w.iss.DiscoveryFetches(), 2)
			})
		})
	}
}

func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	const rounds, period = 4, time.Minute
	for name, row := range map[string]struct {
		notice  time.Duration // from publishing a key to signing with it
		longest time.Duration // that any caller waits
	}{
		"unannounced":                {0, time.Second},
		"announced a refresh before": {2 * time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.ready()
				l := w.load(4, w.client())
				for range rounds {
					old, next := w.iss.Key(), w.publish()
					time.Sleep(row.notice)
					w.iss.Use(next)
					time.Sleep(period)
					w.iss.Remove(old.ID()) // its last token has expired
				}
				_, longest := l.end("200")
				assert.LessOrEqual(t, longest, row.longest)
				assert.LessOrEqual(t, w.status().Fetches, uint64(rounds*(2+2*int(row.notice/time.Minute))+2))
			}, func(cfg *sallyport.Config) { cfg.Keys.RefreshInterval = time.Minute })
		})
	}
}

func TestAWithdrawnKeyIsRefusedAfterOneRefreshUnderLoad(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		token := w.ready().long(w.known)
		l := w.load(4, w.client())
		time.Sleep(time.Minute)
		w.iss.Rotate()
		w.iss.Remove(w.known.ID())
		took := w.until("401 unknown_key", token, 100*time.Millisecond, time.Minute)
		assert.LessOrEqual(t, took, 2*time.Second, "the first token of the new key causes a fetch, and that of the old one another")
		fetches := w.iss.Fetches()
		for range 100 {
			assert.Equal(t, "401 unknown_key", w.call(token).String())
		}
		assert.Equal(t, fetches, w.iss.Fetches(), "a fetch that did not bring it is remembered")
		l.end("200")
	})
}

func TestAFloodHarmsNoOtherCaller(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		down    bool
		lasts   time.Duration
		mint    func(w *world) func() string
		want    string
		fetches uint64 // at most
	}{
		"of unknown keys":                          {false, 3 * time.Minute, (*world).strangers, "401 unknown_key", 25}, // a burst, six a minute, and refreshes
		"of unknown keys while the issuer is down": {true, 3 * time.Minute, (*world).strangers, "503 keys_unavailable", 12},
		"of made-up issuers":                       {false, time.Minute, (*world).foreigners, "401 unknown_issuer", 0},
		"of another issuer's tokens": {false, time.Minute, func(w *world) func() string {
			other := jwkstest.New(w.t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
			w.t.Cleanup(func() { assert.Zero(w.t, other.Fetches()+other.DiscoveryFetches()) })
			token := other.Token()
			return func() string { return token }
		}, "401 unknown_issuer", 0},
		"of forged signatures under a known kid": {false, time.Minute, func(w *world) func() string {
			token := w.forged(w.known.ID())
			return func() string { return token }
		}, "401 bad_signature", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				mint := row.mint(w)
				if row.want == "401 unknown_issuer" {
					assert.Equal(t, row.want, w.call(mint()).String())
					assert.Zero(t, w.wire.requests.Load(), "before the first load not even the trusted issuer is asked")
				}
				token := w.ready().long(w.known)
				fetches, requests := w.status().Fetches, w.wire.requests.Load()
				if row.down {
					w.iss.Fail(http.StatusServiceUnavailable)
				}
				honest, flood := w.load(2, func() string { return token }), w.load(4, mint)
				time.Sleep(row.lasts)
				n, _ := flood.end(row.want)
				assert.GreaterOrEqual(t, n, 1_000)
				assert.LessOrEqual(t, w.status().Fetches-fetches, row.fetches)
				assert.LessOrEqual(t, w.wire.requests.Load()-requests, int64(3*row.fetches))
				_, longest := honest.end("200")
				assert.Zero(t, longest, "honest callers do not wait")
			})
		})
	}
}

// Not parallel: it measures the heap.
func TestWhatIsRememberedOfMadeUpNamesIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.ready()
		stranger, foreigner, before := w.strangers(), w.foreigners(), heap()
		for range 6_000 { // ten a second of each, for ten minutes
			assert.Equal(t, "401 unknown_key", w.call(stranger()).String())
			assert.Equal(t, "401 unknown_issuer", w.call(foreigner()).String())
			time.Sleep(100 * time.Millisecond)
		}
		assert.Less(t, int64(heap())-int64(before), int64(1<<20))
		assert.LessOrEqual(t, w.status().Fetches, uint64(6*10+5+2))
	})
}

func TestOneIssuersTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(iss *jwkstest.Issuer){
		"it hangs":                 func(iss *jwkstest.Issuer) { iss.Hang() },
		"it fails":                 func(iss *jwkstest.Issuer) { iss.Fail(http.StatusInternalServerError) },
		"it sends a byte a second": func(iss *jwkstest.Issuer) { iss.Serve(drip) },
		"strangers flood it":       func(*jwkstest.Issuer) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				well := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
				w := newWorld(t, func(cfg *sallyport.Config) {
					cfg.Providers = append(cfg.Providers, providers.Generic(well.Issuer(), well.Audience()))
				})
				w.wire.healthy = byHost{w.iss.Issuer(): w.iss.Client(), well.Issuer(): well.Client()}
				trouble(w.iss)
				l := w.load(4, func() string { return w.forged("made up") })
				for range 2 {
					time.Sleep(time.Second) // every fetch of the ill one is under way, or its cooldown runs
					a := w.call(well.Token())
					assert.Equal(t, "200", a.String())
					assert.Zero(t, a.took, "the first load, a known key")
					well.Rotate()
					a = w.call(well.Token())
					assert.Equal(t, "200", a.String())
					assert.LessOrEqual(t, a.took, time.Second, "an unknown key: a second lies between two fetches, no more")
				}
				close(l.stop)
				l.ended.Wait()
				assert.Zero(t, l.answers["200"])
			})
		})
	}
}

// byHost leads each request to the issuer of that name.
type byHost map[string]*http.Client

func (b byHost) RoundTrip(r *http.Request) (*http.Response, error) {
	return b[r.URL.Scheme+"://"+r.URL.Host].Transport.RoundTrip(r)
}
