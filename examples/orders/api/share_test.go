package api_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// redisServer starts a Redis, or skips the test where none is installed and none
// is required.
func redisServer(t *testing.T) (addr string, kill func()) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		require.Empty(t, os.Getenv("REQUIRE_REDIS"), "redis-server is not installed")
		t.Skip("redis-server is not installed") //nolint:forbidigo // a machine without Redis can build and test the rest; CI sets REQUIRE_REDIS
	}
	addr = testkit.FreeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	server := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "")
	require.NoError(t, server.Start())
	kill = func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}
	t.Cleanup(kill)
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	require.Eventually(t, func() bool { return client.Ping(t.Context()).Err() == nil }, testkit.Patience, testkit.Pause, "it does not start")
	return addr, kill
}

// answered calls again where the answer is that the store is not there: on a machine
// that is slow the copy of the denylist can be older than a second.
func answered(t *testing.T, call func() testkit.Answer) testkit.Answer {
	t.Helper()
	a := call()
	for deadline := time.Now().Add(time.Minute); a.Status == http.StatusServiceUnavailable && time.Now().Before(deadline); a = call() {
		<-time.After(10 * time.Millisecond)
	}
	return a
}

func TestInstancesShareWhatTheyKnow(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	client := issuer.NewProver("ES256")
	token := issuer.Token(client.Bound())
	everywhere(t, func(t *testing.T, framework string) {
		addr, kill := redisServer(t)
		cfg := trusting(issuer)
		cfg.Framework = framework
		cfg.Features = api.Features{DPoP: "accept", Origin: "https://api.example", DPoPNonce: true, Redis: "redis://" + addr + "/0"}
		one, other := start(t, cfg), start(t, cfg)
		at := jwkstest.Claims{"htu": "https://api.example/orders", "jti": "once"}
		asked := answered(t, func() testkit.Answer { return one.bound("GET", "/orders", token, client, at) })
		assert.Contains(t, challenges(asked), `error="use_dpop_nonce"`)
		nonce := jwkstest.Claims{"nonce": asked.Header.Get("DPoP-Nonce")}
		status := func(of *world) int {
			return answered(t, func() testkit.Answer { return of.bound("GET", "/orders", token, client, at, nonce) }).Status
		}
		assert.Equal(t, 200, status(other), "the other instance knows the nonce")
		assert.Equal(t, 401, status(one), "and this one the proof")
		assert.Equal(t, "replayed_dpop_proof", one.last())
		bearer := answered(t, func() testkit.Answer { return one.get("/orders", issuer.Token()) })
		assert.Equal(t, 200, bearer.Status, "a bearer token")

		kill()
		a := one.bound("GET", "/orders", token, client, at, nonce, jwkstest.Claims{"jti": "twice"})
		assert.Equal(t, 503, a.Status, "whether it was used cannot be known")
		assert.NotEmpty(t, a.Header.Get("Retry-After"))
		assert.Empty(t, challenges(a), "it is no fault of the token's")
		require.Eventually(t, func() bool { return one.get("/orders", issuer.Token()).Status == 503 }, testkit.Patience, testkit.Pause, "whether it was withdrawn cannot be known")
		assert.NotEmpty(t, one.get("/orders", issuer.Token()).Header.Get("Retry-After"))
	})
}

func TestAStoreThatIsAwayAtTheStartLetsNothingThrough(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	cfg := trusting(issuer)
	cfg.Redis = "redis://" + testkit.FreeAddr(t)
	w := start(t, cfg)
	a := w.get("/orders", issuer.Token())
	assert.Equal(t, 503, a.Status)
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	assert.Equal(t, 401, w.get("/orders", "").Status, "no token is no token")
	assert.Equal(t, 200, w.get("/healthz", "").Status)
	assert.Len(t, w.records("the store of -redis cannot be relied on yet: calls are refused until it answers"), 1)
}
