package middleware_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/verifier"
)

// expiring verifies tokens that are good for a minute. With leeway it says so.
func expiring(t *testing.T) middleware.Verifier {
	t.Helper()
	return verifierFunc(func(context.Context, string) (*claims.Claims, error) {
		return parse(t, fmt.Sprintf(`{"sub":"s","scope":"orders.read","exp":%d}`, time.Now().Add(time.Minute).Unix())), nil
	})
}

type withLeeway struct{ middleware.Verifier }

func (withLeeway) Remaining(c *claims.Claims) time.Duration {
	return time.Until(c.ExpiresAt().Add(30 * time.Second))
}

func TestTheContextEndsWithTheToken(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		cfg  func(t *testing.T) middleware.Config
		ends time.Duration // 0: not
	}{
		{"at exp plus the leeway of the Verifier", func(t *testing.T) middleware.Config {
			t.Helper()
			return middleware.Config{Verifier: withLeeway{expiring(t)}, EndAtExpiry: true}
		}, 90 * time.Second},
		{"at exp, of a Verifier that names no leeway", func(t *testing.T) middleware.Config {
			t.Helper()
			return middleware.Config{Verifier: expiring(t), EndAtExpiry: true}
		}, time.Minute},
		{"also where Cache-Control is left alone", func(t *testing.T) middleware.Config {
			t.Helper()
			return middleware.Config{Verifier: expiring(t), EndAtExpiry: true, NoCacheControl: true}
		}, time.Minute},
		{"not unless it is asked for", func(t *testing.T) middleware.Config {
			t.Helper()
			return middleware.Config{Verifier: expiring(t)}
		}, 0},
		{"not for a token without exp", func(t *testing.T) middleware.Config { t.Helper(); return middleware.Config{EndAtExpiry: true} }, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGuard(t, row.cfg(t))
				outer, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				var served *http.Request
				h := g.Authenticate(g.Require(allReads())(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					served = r
					ctx := r.Context()
					began := time.Now()
					<-ctx.Done()
					if row.ends == 0 {
						assert.Equal(t, time.Hour, time.Since(began))
						assert.ErrorIs(t, context.Cause(ctx), context.DeadlineExceeded)
						return
					}
					assert.Equal(t, row.ends, time.Since(began))
					assert.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
					assert.ErrorIs(t, context.Cause(ctx), middleware.ErrTokenExpired)
					_, ok := claims.FromContext(ctx)
					assert.True(t, ok, "the claims can still be read")
				})))
				serve(h, withToken(reader).WithContext(outer))
				assert.Error(t, served.Context().Err())
			})
		})
	}
}

func TestTheContextOfARequestThatIsServedIsFreed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, middleware.Config{Verifier: expiring(t), EndAtExpiry: true})
		var served *http.Request
		serve(g.Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { served = r })), withToken(reader))
		assert.ErrorIs(t, served.Context().Err(), context.Canceled)
		admitted, _, err := g.Check(withToken(reader), claims.AnyToken())
		require.NoError(t, err)
		assert.NoError(t, admitted.Context().Err(), "Check does not see its handler return")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.ErrorIs(t, context.Cause(admitted.Context()), middleware.ErrTokenExpired)
	})
}

// The caller's own end comes first where it does.
func TestACallerThatGoesAwayIsNoExpiry(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := newGuard(t, middleware.Config{Verifier: expiring(t), EndAtExpiry: true})
	serve(g.Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
		assert.ErrorIs(t, context.Cause(r.Context()), context.Canceled)
	})), withToken(reader).WithContext(ctx))
}

// soon is a real Verifier whose clock is close to the end of a token.
func soon(t *testing.T) (v *verifier.Verifier, token string) {
	t.Helper()
	iss := jwkstest.New(t)
	exp := time.Now().Add(time.Hour).Truncate(time.Second)
	ahead := time.Until(exp.Add(10*time.Second)) - 300*time.Millisecond
	v, err := verifier.New(verifier.Config{
		Issuers: []verifier.Issuer{{Name: iss.Issuer(), Audiences: []string{iss.Audience()}, Keys: iss.KeySet()}},
		Now:     func() time.Time { return time.Now().Add(ahead) },
		Leeway:  10 * time.Second,
	})
	require.NoError(t, err)
	return v, iss.Token(jwkstest.Claims{"exp": exp})
}

// Server-sent events over a socket, to the end of the token.
func TestAStreamEndsWithTheToken(t *testing.T) {
	t.Parallel()
	v, token := soon(t)
	g := newGuard(t, middleware.Config{Verifier: v, EndAtExpiry: true})
	cause := make(chan error, 1)
	server := httptest.NewServer(g.Require(claims.AnyToken())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: first\n\n")
		assert.NoError(t, http.NewResponseController(w).Flush())
		<-r.Context().Done()
		cause <- context.Cause(r.Context())
		_, _ = io.WriteString(w, "event: expired\n\n")
	})))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := server.Client().Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, 200, res.StatusCode)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, "data: first\n\nevent: expired\n\n", string(body))
	assert.ErrorIs(t, <-cause, middleware.ErrTokenExpired)
}

// A connection that was taken over ends too, if its handler heeds the context.
func TestATakenConnectionEndsWithTheToken(t *testing.T) {
	t.Parallel()
	v, token := soon(t)
	g := newGuard(t, middleware.Config{Verifier: v, EndAtExpiry: true})
	server := httptest.NewServer(g.Require(claims.AnyToken())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer conn.Close()
		stop := context.AfterFunc(r.Context(), func() { _ = conn.Close() })
		defer stop()
		_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = buffered.Flush()
		_, _ = io.Copy(conn, buffered) // until one of both closes
		assert.ErrorIs(t, context.Cause(r.Context()), middleware.ErrTokenExpired)
	})))
	defer server.Close()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: echo\r\nAuthorization: Bearer "+token+"\r\n\r\n")
	require.NoError(t, err)
	from := bufio.NewReader(conn)
	res, err := http.ReadResponse(from, nil)
	require.NoError(t, err)
	_ = res.Body.Close()
	require.Equal(t, 101, res.StatusCode)
	_, err = io.WriteString(conn, "ping\n")
	require.NoError(t, err)
	line, err := from.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "ping\n", line)
	_, err = from.ReadByte()
	assert.ErrorIs(t, err, io.EOF)
}

func TestAContextOfAnotherTransportEndsWithTheToken(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		guard  func(t *testing.T) *middleware.Guard
		claims string
		ends   time.Duration // 0: not
	}{
		{"at exp plus the leeway of the Verifier", func(t *testing.T) *middleware.Guard {
			t.Helper()
			return newGuard(t, middleware.Config{Verifier: withLeeway{expiring(t)}})
		}, `{"exp":%d}`, 90 * time.Second},
		{"at exp, of a nil Guard", func(*testing.T) *middleware.Guard { return nil }, `{"exp":%d}`, time.Minute},
		{"not without exp", func(*testing.T) *middleware.Guard { return nil }, `{"sub":"%d"}`, 0},
		{"not without claims", func(*testing.T) *middleware.Guard { return nil }, "", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var who *claims.Claims
				if row.claims != "" {
					who = parse(t, fmt.Sprintf(row.claims, time.Now().Add(time.Minute).Unix()))
				}
				begun := time.Now()
				ctx, cancel := row.guard(t).UntilExpiry(t.Context(), who)
				if row.ends == 0 {
					_, ends := ctx.Deadline()
					assert.False(t, ends)
					cancel()
					assert.ErrorIs(t, context.Cause(ctx), context.Canceled)
					return
				}
				defer cancel()
				<-ctx.Done()
				assert.Equal(t, row.ends, time.Since(begun))
				assert.ErrorIs(t, context.Cause(ctx), middleware.ErrTokenExpired)
			})
		})
	}
}
