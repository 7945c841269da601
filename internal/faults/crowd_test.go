package faults_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

func TestAThousandCallersOfAColdStartCauseOneFetch(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		trouble func(w *world)
		want    map[string]int
	}{
		"the issuer is slow":     {func(w *world) { w.iss.Slow(2 * time.Second) }, map[string]int{"200": 1000}},
		"the issuer is down":     {func(w *world) { w.iss.Fail(http.StatusBadGateway) }, map[string]int{"503 keys_unavailable": 1000}},
		"the issuer never stops": {func(w *world) { w.iss.Hang() }, map[string]int{"503 keys_unavailable": 1000}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				row.trouble(w)
				var tokens []string // of fifty clients, who make twenty calls each
				for range 50 {
					tokens = append(tokens, slices.Repeat([]string{w.long(w.known)}, 20)...)
				}
				assert.Equal(t, row.want, tally(w.crowd(tokens...)))
				assert.Equal(t, uint64(1), w.status().Fetches)
				assert.LessOrEqual(t, w.iss.Fetches(), 1)
				assert.LessOrEqual(t, w.iss.DiscoveryFetches(), 2)
			})
		})
	}
}

// load is honest callers who always have a fresh token.
type load struct {
	mu      sync.Mutex
	answers map[string]int
	longest time.Duration
	stop    chan struct{}
	ended   sync.WaitGroup
}

// honest starts callers who bring what mint gives, ten times a second each.
func (w *world) honest(callers int, mint func() string) *load {
	l := &load{answers: map[string]int{}, stop: make(chan struct{})}
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

// end is what they got.
func (l *load) end() (answers map[string]int, longest time.Duration) {
	close(l.stop)
	l.ended.Wait()
	return l.answers, l.longest
}

// onlyGood fails unless every answer was 200.
func onlyGood(t *testing.T, answers map[string]int) {
	t.Helper()
	assert.Len(t, answers, 1, "answers: %v", answers)
	assert.Positive(t, answers["200"])
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
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(cfg *sallyport.Config) { cfg.Keys.RefreshInterval = time.Minute }).ready()
				l := w.honest(4, w.client())
				for range rounds {
					old, next := w.iss.Key(), w.publish()
					time.Sleep(row.notice)
					w.iss.Use(next)
					time.Sleep(period)
					w.iss.Remove(old.ID()) // its last token has expired
				}
				answers, longest := l.end()
				onlyGood(t, answers)
				assert.LessOrEqual(t, longest, row.longest)
				assert.LessOrEqual(t, w.status().Fetches, uint64(rounds*(2+2*int(row.notice/time.Minute))+2))
			})
		})
	}
}

func TestAWithdrawnKeyIsRefusedAfterOneRefreshUnderLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).ready()
		token := w.long(w.known)
		l := w.honest(4, w.client())
		time.Sleep(time.Minute)
		w.iss.Rotate()
		w.iss.Remove(w.known.ID())
		took, err := w.until("401 unknown_key", token, 100*time.Millisecond, time.Minute)
		require.NoError(t, err)
		assert.LessOrEqual(t, took, time.Second, "the first token of the new key brings the news")
		fetches := w.iss.Fetches()
		for range 100 {
			assert.Equal(t, "401 unknown_key", w.call(token).String())
		}
		assert.Equal(t, fetches, w.iss.Fetches(), "a key that is known to be gone is not asked for")
		answers, _ := l.end()
		onlyGood(t, answers)
	})
}

func TestAFloodOfUnknownKeysHarmsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).ready()
		honest := w.honest(2, w.client())
		strangers := w.honest(5, w.strangers())
		time.Sleep(2 * time.Minute)

		// In the middle of it the issuer begins to sign with another key.
		next := w.publish()
		took, err := w.until("200", w.long(next), 500*time.Millisecond, time.Minute)
		require.NoError(t, err)
		assert.LessOrEqual(t, took, 31*time.Second)
		time.Sleep(time.Minute)

		answers, _ := strangers.end()
		assert.Equal(t, map[string]int{"401 unknown_key": answers["401 unknown_key"]}, answers)
		assert.Greater(t, answers["401 unknown_key"], 5_000)
		assert.LessOrEqual(t, w.status().Fetches, uint64(12), "two fetches a minute, and one more for the refund")
		answers, longest := honest.end()
		onlyGood(t, answers)
		assert.Zero(t, longest, "honest callers do not wait")
	})
}

// Not parallel: it measures the heap.
func TestWhatIsRememberedOfMadeUpNamesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).ready()
		stranger, foreigner, before := w.strangers(), w.foreigners(), heap()
		for range 6_000 { // ten a second of each, for ten minutes
			assert.Equal(t, "401 unknown_key", w.call(stranger()).String())
			assert.Equal(t, "401 unknown_issuer", w.call(foreigner()).String())
			time.Sleep(100 * time.Millisecond)
		}
		assert.Less(t, int64(heap())-int64(before), int64(1<<20))
		assert.LessOrEqual(t, w.status().Fetches, uint64(2*10+6))
	})
}

func TestAFloodWhileTheIssuerIsDownCostsNoMoreThanTheBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).ready()
		token := w.long(w.known)
		honest := w.honest(2, func() string { return token })
		w.iss.Fail(http.StatusServiceUnavailable)
		strangers := w.honest(4, w.strangers())
		time.Sleep(3 * time.Minute)

		answers, _ := strangers.end()
		assert.Equal(t, map[string]int{"503 keys_unavailable": answers["503 keys_unavailable"]}, answers, "nobody knows whether these keys exist")
		assert.LessOrEqual(t, w.status().Failures, uint64(12))
		answers, longest := honest.end()
		onlyGood(t, answers)
		assert.Zero(t, longest)
	})
}

func TestTokensOfForeignIssuersCauseNoFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		other := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
		for range 300 {
			assert.Equal(t, "401 unknown_issuer", w.call(other.Token()).String())
		}
		assert.Zero(t, w.wire.asked.Load(), "not even the issuer that is trusted is asked")

		w.ready()
		asked := w.wire.asked.Load()
		honest := w.honest(2, w.client())
		foreigners, another := w.honest(4, w.foreigners()), w.honest(1, func() string { return other.Token() })
		time.Sleep(time.Minute)
		for _, l := range []*load{foreigners, another} {
			answers, longest := l.end()
			assert.Equal(t, map[string]int{"401 unknown_issuer": answers["401 unknown_issuer"]}, answers)
			assert.GreaterOrEqual(t, answers["401 unknown_issuer"], 600)
			assert.Zero(t, longest)
		}
		answers, longest := honest.end()
		onlyGood(t, answers)
		assert.Zero(t, longest, "honest callers do not wait")
		assert.Equal(t, asked, w.wire.asked.Load())
		assert.Zero(t, other.Fetches()+other.DiscoveryFetches())
	})
}

func TestForgedSignaturesUnderAKnownKidCauseNoFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).ready()
		asked := w.wire.asked.Load()
		for range 300 {
			assert.Equal(t, "401 bad_signature", w.call(w.stranger(w.known.ID())).String())
		}
		assert.Equal(t, asked, w.wire.asked.Load())
	})
}

func TestOneCallersCancellationHarmsNobody(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		loaded bool // or is it the first load that they wait for?
	}{
		"before the first load":      {false},
		"waiting for an unknown key": {true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if row.loaded {
					w.ready()
					time.Sleep(time.Minute)
				}
				token := w.long(w.publish())
				before := w.iss.Fetches()
				release := w.iss.Hang()

				ctx, cancel := context.WithCancel(t.Context())
				var impatient, patient []answer
				var waiting sync.WaitGroup
				waiting.Go(func() { impatient = append(impatient, w.callWith(ctx, token)) })
				synctest.Wait() // the impatient one came first: the fetch is on its account
				waiting.Go(func() { patient = w.crowd(token, token, token, token) })
				time.Sleep(time.Second)
				cancel()
				synctest.Wait()
				require.Len(t, impatient, 1)
				assert.Equal(t, "503 canceled", impatient[0].String())
				assert.Equal(t, time.Second, impatient[0].took)

				time.Sleep(time.Second)
				release()
				waiting.Wait()
				assert.Equal(t, map[string]int{"200": 4}, tally(patient))
				assert.Equal(t, before+1, w.iss.Fetches())
			})
		})
	}
}

func TestOneIssuersTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(iss *jwkstest.Issuer){
		"it hangs":                 func(iss *jwkstest.Issuer) { iss.Hang() },
		"it fails":                 func(iss *jwkstest.Issuer) { iss.Fail(http.StatusInternalServerError) },
		"it sends a byte a second": func(iss *jwkstest.Issuer) { iss.Serve(drip(time.Second)) },
		"strangers flood it":       func(*jwkstest.Issuer) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				well := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
				w := newWorld(t, func(cfg *sallyport.Config) {
					cfg.Providers = append(cfg.Providers, providers.Generic(well.Issuer(), well.Audience()))
				})
				ill := w.iss
				w.wire.healthy = byHost{ill.Issuer(): ill.Client(), well.Issuer(): well.Client()}
				trouble(ill)
				l := w.honest(4, func() string { return w.stranger("made up") })
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
				answers, _ := l.end()
				assert.Zero(t, answers["200"])
			})
		})
	}
}

// byHost leads each request to the issuer of that name.
type byHost map[string]*http.Client

func (b byHost) RoundTrip(r *http.Request) (*http.Response, error) {
	return b[r.URL.Scheme+"://"+r.URL.Host].Transport.RoundTrip(r)
}
