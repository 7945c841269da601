package introspection_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

func TestRow79AnswersAreRemembered(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]func(*testing.T, *world){
		"79 for half a minute": func(t *testing.T, w *world) {
			v, token := w.open(t), w.OpaqueToken()
			good(t, v, token)
			w.Revoke(token)
			time.Sleep(30*time.Second - time.Millisecond)
			good(t, v, token)
			assert.Equal(t, 1, w.Introspections())
			time.Sleep(time.Millisecond)
			refusal(t, v, token, reason.Inactive)
		},
		"79 never past exp, whatever the leeway": func(t *testing.T, w *world) {
			w.cfg.CacheFor = time.Hour
			v, token := w.open(t), w.OpaqueToken(jwkstest.Claims{"exp": time.Now().Add(10 * time.Second)})
			good(t, v, token)
			time.Sleep(10*time.Second - time.Millisecond)
			good(t, v, token)
			assert.Equal(t, 1, w.Introspections())
			time.Sleep(time.Millisecond)
			refusal(t, v, token, reason.Inactive)
			assert.Equal(t, 2, w.Introspections())
		},
		"79 by the clock of the verifier": func(t *testing.T, w *world) {
			ahead := time.Duration(0)
			w.jwts.Now = func() time.Time { return time.Now().Add(ahead) }
			v, token := w.open(t), w.OpaqueToken(jwkstest.Claims{"exp": time.Now().Add(time.Minute)})
			good(t, v, token)
			ahead = time.Minute
			good(t, v, token) // within the leeway, and asked about again
			assert.Equal(t, 2, w.Introspections())
		},
		"79 from when the question was sent": func(t *testing.T, w *world) {
			v, token := w.open(t), w.OpaqueToken()
			w.Slow(4 * time.Second)
			good(t, v, token)
			time.Sleep(26 * time.Second)
			good(t, v, token)
			assert.Equal(t, 2, w.Introspections())
		},
		"79 not at all, if that is asked for": func(t *testing.T, w *world) {
			w.cfg.CacheFor, w.cfg.CacheRefusalsFor = -1, -1
			v, token := w.open(t), w.OpaqueToken()
			good(t, v, token)
			w.Revoke(token)
			refusal(t, v, token, reason.Inactive)
			refusal(t, v, token, reason.Inactive)
			assert.Equal(t, 3, w.Introspections())
		},
		"79 negative ones briefly": func(t *testing.T, w *world) {
			v := w.open(t)
			for range 10 {
				refusal(t, v, "made-up", reason.Inactive)
			}
			assert.Equal(t, 1, w.Introspections())
			time.Sleep(5 * time.Second)
			refusal(t, v, "made-up", reason.Inactive)
			assert.Equal(t, 2, w.Introspections())
		},
		"79 what is no answer not at all": func(t *testing.T, w *world) {
			v, token := w.open(t), w.OpaqueToken()
			w.serve(http.StatusInternalServerError, nil, "")
			refusal(t, v, token, reason.IntrospectionUnavailable)
			w.Restore()
			good(t, v, token)
		},
		"79 about JWTs too": func(t *testing.T, w *world) {
			w.cfg.Tokens = introspection.JWTs
			v, token := w.open(t), w.Token()
			good(t, v, token)
			good(t, v, token)
			assert.Equal(t, 1, w.Introspections())
			w.Revoke(token)
			time.Sleep(30 * time.Second)
			refusal(t, v, token, reason.Revoked)
			refusal(t, v, token, reason.Revoked)
			assert.Equal(t, 2, w.Introspections())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { tt(t, newWorld(t)) })
		})
	}
}

func TestAStrangerDrivesOutNoGoodAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cfg.CacheBytes = 64 << 10 // for some fifty
		v := w.open(t)
		tokens := make([]string, 20)
		for i := range tokens {
			tokens[i] = w.OpaqueToken()
			good(t, v, tokens[i])
		}
		w.serve(http.StatusOK, nil, `{"active":false}`)
		for i := range 3000 {
			refusal(t, v, stranger(i), reason.Inactive)
		}
		w.serve(http.StatusOK, nil, `{"active":true,"aud":"api://another"}`)
		for i := range 1000 {
			refusal(t, v, stranger(10000+i), reason.WrongAudience)
		}
		asked := w.Introspections()
		for _, token := range tokens {
			good(t, v, token)
		}
		assert.Equal(t, asked, w.Introspections())
	})
}
