package introspection_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/reason"
)

func TestCallersWithOneTokenShareOneQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		v, token := w.open(t), w.OpaqueToken()
		w.Slow(time.Second)
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := v.Verify(impatient, token)
			assert.ErrorIs(t, err, reason.Canceled)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		for range 50 {
			wg.Go(func() { good(t, v, token) })
		}
		wg.Wait()
		assert.Equal(t, 1, w.Introspections(), "and it goes on without the caller who began it")
	})
}

func TestQuestionsInFlightAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cfg.MaxInFlight, w.cfg.CacheFor = 4, time.Second
		v, token := w.open(t), w.OpaqueToken()
		good(t, v, token)
		time.Sleep(2 * time.Second) // the answer is forgotten, that it was good is not

		var now, most atomic.Int64
		release := make(chan struct{})
		w.ServeIntrospection(func(rw http.ResponseWriter, r *http.Request) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			if r.PostFormValue("token") != token {
				<-release
			}
			w.Answer(rw, r)
		})
		var busy, inactive atomic.Int64
		var wg sync.WaitGroup
		for i := range 1200 {
			wg.Go(func() {
				_, err := v.Verify(t.Context(), stranger(i))
				switch {
				case errors.Is(err, reason.IntrospectionUnavailable):
					busy.Add(1)
				case errors.Is(err, reason.Inactive):
					inactive.Add(1)
				}
			})
		}
		synctest.Wait()
		assert.EqualValues(t, 3, now.Load(), "a quarter is left")
		assert.EqualValues(t, 200-3, busy.Load(), "a thousand wait, more are refused at once")
		good(t, v, token) // has room of its own
		close(release)
		wg.Wait()
		assert.EqualValues(t, 4, most.Load())
		assert.EqualValues(t, 1200, busy.Load()+inactive.Load())
		good(t, v, w.OpaqueToken())
	})
}

func TestADeadEndpointIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		v, token := w.open(t), w.OpaqueToken()
		good(t, v, token)
		w.serve(http.StatusBadGateway, nil, "")
		for i := range 5 {
			refusal(t, v, stranger(i), reason.IntrospectionUnavailable)
		}
		asked := w.Introspections()
		began := time.Now()
		for i := range 100 {
			e := refusal(t, v, stranger(100+i), reason.IntrospectionUnavailable)
			assert.Equal(t, time.Second, e.RetryAfter)
		}
		assert.Equal(t, asked, w.Introspections())
		assert.Zero(t, time.Since(began), "quickly")
		good(t, v, token) // what was answered is still known

		var pauses []time.Duration
		for range 7 { // one question finds out whether it is back, and the pause doubles
			time.Sleep(refusal(t, v, "probe", reason.IntrospectionUnavailable).RetryAfter)
			before := w.Introspections()
			pauses = append(pauses, refusal(t, v, "probe", reason.IntrospectionUnavailable).RetryAfter)
			assert.Equal(t, before+1, w.Introspections())
		}
		assert.Equal(t, []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second, 30 * time.Second}, pauses)

		w.Restore()
		time.Sleep(30 * time.Second)
		good(t, v, w.OpaqueToken())
		good(t, v, w.OpaqueToken())
	})
}

func TestOneQuestionFindsOutWhetherTheEndpointIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.open(t)
		w.serve(http.StatusBadGateway, nil, "")
		for i := range 5 {
			refusal(t, v, stranger(i), reason.IntrospectionUnavailable)
		}
		time.Sleep(time.Second)
		w.Restore()
		w.Slow(time.Second)
		before := w.Introspections()
		var wg sync.WaitGroup
		for range 20 {
			token := w.OpaqueToken()
			wg.Go(func() { _, _ = v.Verify(t.Context(), token) })
		}
		wg.Wait()
		assert.Equal(t, before+1, w.Introspections())
	})
}

func TestADeadSocketIsAQuickRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cfg.Timeout = 2 * time.Second
		v := w.open(t)
		release := w.Hang()
		defer release()
		began := time.Now()
		for i := range 5 {
			refusal(t, v, stranger(i), reason.IntrospectionUnavailable)
		}
		assert.Equal(t, 10*time.Second, time.Since(began), "each waits for the time-out")
		refusal(t, v, "more", reason.IntrospectionUnavailable)
		assert.Equal(t, 10*time.Second, time.Since(began))
	})
}

func TestAStrangerOpensNoCircuit(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"by tokens that are not active":               {200, `{"active":false}`},
		"by tokens that the endpoint calls malformed": {400, `{"error":"invalid_request"}`},
		"by tokens that break the endpoint":           {500, `oh no`},
		"by tokens whose answer makes no sense":       {200, `{"active":"yes"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onSocket(t)
			v := w.open(t)
			w.ServeIntrospection(func(rw http.ResponseWriter, r *http.Request) {
				if token := r.PostFormValue("token"); len(token) > 7 && token[:7] == "made-up" {
					rw.Header().Set("Content-Type", "application/json")
					rw.WriteHeader(answer.status)
					_, _ = rw.Write([]byte(answer.body))
					return
				}
				w.Answer(rw, r)
			})
			for i := range 50 {
				_, err := v.Verify(t.Context(), stranger(i))
				require.Error(t, err)
			}
			assert.Equal(t, 50, w.Introspections())
			good(t, v, w.OpaqueToken())

			for i := range 50 {
				_, err := v.Verify(t.Context(), stranger(100+i))
				require.Error(t, err)
			}
			release, waits := make(chan struct{}), make(chan struct{})
			first, second := w.OpaqueToken(), w.OpaqueToken()
			w.ServeIntrospection(func(rw http.ResponseWriter, r *http.Request) {
				if r.PostFormValue("token") == first {
					close(waits)
					<-release
				}
				w.Answer(rw, r)
			})
			var wg sync.WaitGroup
			wg.Go(func() { good(t, v, first) })
			<-waits
			_, err := v.Verify(t.Context(), second)
			close(release)
			wg.Wait()
			assert.NoError(t, err, "beside it: no question is a probe")
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		value  func() string
		want   time.Duration
	}{
		"in seconds":              {429, func() string { return "7" }, 7 * time.Second},
		"as a date":               {429, func() string { return time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat) }, 9 * time.Second},
		"not said":                {429, func() string { return "" }, time.Second},
		"unreadable":              {429, func() string { return "soon" }, time.Second},
		"beyond any duration":     {429, func() string { return "9223372036854775807" }, 10 * time.Minute},
		"an hour":                 {429, func() string { return "3600" }, 10 * time.Minute},
		"beyond all measure":      {429, func() string { return "99999999999999999999" }, 10 * time.Minute},
		"of a service that rests": {503, func() string { return "20" }, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				v, known := w.open(t), w.OpaqueToken()
				good(t, v, known)
				w.serve(tt.status, http.Header{"Retry-After": {tt.value()}}, "")
				e := refusal(t, v, "one", reason.IntrospectionUnavailable)
				assert.Equal(t, tt.want, e.RetryAfter)
				good(t, v, known)
				w.Restore()
				asked := w.Introspections()
				time.Sleep(tt.want - time.Millisecond)
				refusal(t, v, "two", reason.IntrospectionUnavailable)
				assert.Equal(t, asked, w.Introspections(), "nothing is asked until then")
				time.Sleep(time.Millisecond)
				good(t, v, w.OpaqueToken())
			})
		})
	}
}

func TestCloseEndsWhatIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.open(t)
		release := w.Hang()
		defer release()
		var wg sync.WaitGroup
		wg.Go(func() { refusal(t, v, "one", reason.IntrospectionUnavailable) })
		synctest.Wait()
		began := time.Now()
		require.NoError(t, v.Close())
		wg.Wait()
		assert.Zero(t, time.Since(began))
		refusal(t, v, "two", reason.IntrospectionUnavailable)
		good(t, v, w.Token()) // a JWT needs nobody
	})
}

func TestAnotherClientsRedirectsAndCookiesAreNotUsed(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	jar := must(cookiejar.New(nil))
	w.cfg.Client = &http.Client{Transport: w.Client().Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
	v := w.open(t)
	var cookies [][]*http.Cookie
	w.ServeIntrospection(func(rw http.ResponseWriter, r *http.Request) {
		cookies = append(cookies, r.Cookies())
		http.SetCookie(rw, &http.Cookie{Name: "session", Value: "x"})
		w.Answer(rw, r)
	})
	good(t, v, w.OpaqueToken())
	good(t, v, w.OpaqueToken())
	assert.Equal(t, [][]*http.Cookie{{}, {}}, cookies)
	w.serve(http.StatusTemporaryRedirect, http.Header{"Location": {w.URL() + "/elsewhere"}}, "")
	e := refusal(t, v, "token", reason.IntrospectionUnavailable)
	assert.Contains(t, e.Error(), "redirects are not followed")
	assert.Zero(t, w.Strays())
}
