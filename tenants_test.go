//go:build slow

package sallyport_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// heapInUse is what is on the heap once the garbage is gone.
func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// firstSights returns the median times of first sights at two Gates without a cache,
// measured by turns: the machine has other things to do.
func firstSights(tb testing.TB, one, other *sallyport.Gate, ofOne, ofOther []string) (a, b time.Duration) {
	tb.Helper()
	var took [2][]time.Duration
	for i := range ofOne {
		for n, g := range []*sallyport.Gate{one, other} {
			token := [2]string{ofOne[i], ofOther[i]}[n]
			begun := time.Now()
			_, err := g.Verify(tb.Context(), token)
			took[n] = append(took[n], time.Since(begun))
			require.NoError(tb, err)
		}
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	return took[0][len(ofOne)/2], took[1][len(ofOne)/2]
}

func TestTenThousandTenants(t *testing.T) { // alone: it measures the process
	const count, active, mostHeap = 10_000, 1000, 12 << 10
	iss := jwkstest.New(t, jwkstest.WithAudience(audience))
	keys := httptest.NewServer(http.HandlerFunc(iss.Answer))
	defer keys.Close()
	name := func(i int) string { return fmt.Sprintf("https://tenant-%05d.example/", i) }
	resolve := func(_ context.Context, iss string) (providers.Provider, error) {
		return providers.Generic(iss, audience).WithJWKS(keys.URL + "/jwks"), nil
	}
	goroutines, before := runtime.NumGoroutine(), heapInUse()
	g, err := sallyport.Open(sallyport.Config{
		Resolve: resolve, Resolving: sallyport.Resolving{DangerouslyPrivateNetworks: true, GoodFor: time.Hour},
		Verifier: verifier.Config{CacheBytes: -1},
	})
	closing(t, g, err)
	var first []time.Duration
	tokens := make([]string, active)
	for i := range count {
		if i < active {
			tokens[i] = iss.Token(jwkstest.Claims{"iss": name(i), "scope": "orders.read"})
		}
		token := tokens[i%active]
		if i >= active { // a signature for each would take longer than all the rest
			parts := strings.Split(token, ".")
			parts[1] = base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"` + name(i) + `"}`))
			token = strings.Join(parts, ".")
		}
		begun := time.Now()
		_, err := g.Verify(t.Context(), token)
		first = append(first, time.Since(begun))
		if i < active {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, reason.BadSignature, reasonOf(t, err), "its keys are there")
	}
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+4 }, time.Minute, time.Millisecond, "no goroutine for each")
	heap := (heapInUse() - before) / count
	slices.Sort(first)

	one, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic(name(0), audience).WithJWKS(keys.URL + "/jwks")},
		Verifier:  verifier.Config{CacheBytes: -1},
	})
	closing(t, one, err)
	require.NoError(t, one.Ready(t.Context()))
	own := make([]string, active)
	for i := range own {
		own[i] = iss.Token(jwkstest.Claims{"iss": name(0), "scope": "orders.read", "jti": fmt.Sprint(i)})
	}
	best, many, alone := 100.0, time.Duration(0), time.Duration(0)
	for range 5 { // to be read, not asserted: the machine may be busy with other things
		a, m := firstSights(t, one, g, own, tokens)
		if ratio := float64(m) / float64(a); ratio < best {
			best, many, alone = ratio, m, a
		}
	}
	t.Logf("%d tenants, %d active: %d bytes of heap each, keys and policy; %d goroutines; first answer %v (median), %v (worst)",
		count, active, heap, runtime.NumGoroutine()-goroutines, first[count/2], first[count-1])
	t.Logf("first sight: %v among them, %v of one issuer: %.2f", many, alone, best)
	assert.LessOrEqual(t, heap, int64(mostHeap))
	runtime.KeepAlive(g)
	assert.NoError(t, g.Close())
}
