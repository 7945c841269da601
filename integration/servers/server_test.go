package servers_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/integration/servers"
)

// One token by golang.org/x/oauth2 and one by curl, in each framework.
func TestATokenOpensWhatItsScopesSay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s servers.Server) {
		f := s.Facts()
		byCurl, err := f.Curl(t.Context(), f.Reads)
		assert.NoError(t, err)
		writes := token(t, f, f.Writes)
		for _, framework := range []string{"nethttp", "chi", "gin"} {
			a := start(t, f, "-framework", framework)
			for how, reads := range map[string]string{"x/oauth2": token(t, f, f.Reads), "curl": byCurl} {
				assert.Equal(t, http.StatusOK, get(t, a.URL+readPath(&f), reads).status, "%s, %s", framework, how)
				refusedFor(t, a, forged(reads), "bad_signature")
			}
			forbidden := get(t, a.URL+"/orders", writes)
			assert.Equal(t, http.StatusForbidden, forbidden.status, framework)
			assert.Equal(t, `Bearer realm="orders", error="insufficient_scope", scope="get"`, forbidden.challenge, framework)
			none := get(t, a.URL+"/orders", "")
			assert.Equal(t, http.StatusUnauthorized, none.status, framework)
			assert.Equal(t, `Bearer realm="orders"`, none.challenge, framework)
		}
		other := start(t, servers.Facts{Issuer: f.Issuer, Audience: "api://another", JWKSURL: f.JWKSURL, Undiscoverable: f.Undiscoverable})
		refusedFor(t, other, token(t, f, f.Reads), "wrong_audience")
	})
}

func TestAnEllipticKeyServesAsWell(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s servers.Server) {
		f := s.Facts()
		a := start(t, f)
		first := token(t, f, f.Reads)
		assert.Equal(t, http.StatusOK, get(t, a.URL+readPath(&f), first).status)
		s.Rotate(t, "ES256")
		second := token(t, f, f.Reads)
		header, _ := read(t, second)
		assert.Equal(t, "ES256", header["alg"])
		assert.Equal(t, http.StatusOK, get(t, a.URL+readPath(&f), second).status)
		assert.Equal(t, http.StatusOK, get(t, a.URL+readPath(&f), first).status, "the older key is still published")
	})
}

func TestKeysRotateUnderLoad(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s servers.Server) { rotateUnderLoad(t, s, false) })
}

// A token of an unknown key right before the rotation has made the API ask for
// keys in vain, and asking again too soon is what the API avoids.
func TestKeysRotateUnderLoadThoughStrangersSendUnknownKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s servers.Server) { rotateUnderLoad(t, s, true) })
}

const rotations = 3

func rotateUnderLoad(t *testing.T, s servers.Server, strays bool) {
	t.Helper()
	f := s.Facts()
	a := start(t, f)
	assert.Equal(t, http.StatusOK, get(t, a.URL+readPath(&f), token(t, f, f.Reads)).status)
	load := begin(t, a.URL+readPath(&f), f)
	for range rotations {
		load.wait(500 * time.Millisecond)
		if strays {
			refused := get(t, a.URL+"/orders", stray(f))
			assert.Equal(t, http.StatusUnauthorized, refused.status)
		}
		s.Rotate(t, "ES256")
		load.wait(1500 * time.Millisecond)
	}
	load.end(t)
	assert.GreaterOrEqual(t, len(load.kids), 1+rotations, "tokens of each key were checked")
	if strays {
		logs(t, a, "reason=unknown_key status=401")
	}
}

func TestTheServerStopsAndStartsWhileCallsGoOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s servers.Server) {
		f := s.Facts()
		a := start(t, f)
		path := a.URL + readPath(&f)
		assert.Equal(t, http.StatusOK, get(t, path, token(t, f, f.Reads)).status)
		late := token(t, f, f.Reads) // first seen while the server is away
		load := begin(t, path, f)
		load.wait(300 * time.Millisecond)
		s.Stop()
		assert.Equal(t, http.StatusOK, get(t, path, late).status, "the keys are kept")
		unknown := get(t, path, stray(f))
		assert.Equal(t, http.StatusServiceUnavailable, unknown.status, "it cannot be judged")
		assert.Empty(t, unknown.challenge)
		assert.NotEmpty(t, unknown.retryAfter)
		load.wait(time.Second)
		s.Start(t)
		load.wait(500 * time.Millisecond)
		load.end(t)
		s.Rotate(t, "ES256")
		assert.Eventually(t, func() bool { return get(t, path, token(t, f, f.Reads)).status == http.StatusOK }, 10*time.Second, 100*time.Millisecond,
			"the new key is found after the outage")
	})
}

func TestTheAPIStartsBeforeTheServer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s servers.Server) {
		f := s.Facts()
		good := token(t, f, f.Reads)
		s.Stop()
		a := start(t, f)
		early := get(t, a.URL+readPath(&f), good)
		assert.Equal(t, http.StatusServiceUnavailable, early.status)
		assert.Empty(t, early.challenge, "nothing is wrong with the token")
		assert.NotEmpty(t, early.retryAfter)
		s.Start(t)
		assert.Eventually(t, func() bool { return get(t, a.URL+readPath(&f), good).status == http.StatusOK }, 20*time.Second, 100*time.Millisecond)
	})
}
