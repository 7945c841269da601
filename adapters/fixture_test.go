package adapters_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/verifier"
)

const audience = "api://orders"

// now is when everything here happens, for issuers and Gates: a row may wait
// its turn for longer than the leeway of a token.
var now = time.Now().Truncate(time.Second)

func newIssuer(t *testing.T, options ...jwkstest.Option) *jwkstest.Issuer {
	t.Helper()
	clock := jwkstest.WithClock(func() time.Time { return now })
	return jwkstest.New(t, append(options, clock, jwkstest.WithAudience(audience))...)
}

// fixture is one API in every framework, twice, behind Gates of every kind.
type fixture struct {
	issuer, other *jwkstest.Issuer // both trusted
	down, hanging *jwkstest.Issuer // trusted, but without keys
	log           lockedBuffer
	decisions     decisions
	handlers      map[site]http.Handler
	servers       map[site]string // addresses of the same handlers
}

func bareFixture() *fixture {
	return &fixture{handlers: map[site]http.Handler{}, servers: map[site]string{}}
}

// site is where a row is sent.
type site struct{ gate, wiring, framework string }

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := bareFixture()
	f.issuer = newIssuer(t)
	f.other = newIssuer(t)
	f.down = newIssuer(t)
	f.down.Fail(http.StatusInternalServerError)
	f.hanging = newIssuer(t)
	f.hanging.Hang()

	generic := func(issuers ...*jwkstest.Issuer) (out []providers.Provider) {
		for _, iss := range issuers {
			out = append(out, providers.Generic(iss.Issuer(), audience))
		}
		return out
	}
	strict := providers.Generic(f.issuer.Issuer(), audience)
	strict.Issuers[0].Tokens = strict.Issuers[0].Tokens.RFC9068()

	f.serve(t, "plain", sallyport.Config{Providers: generic(f.issuer, f.other)})
	f.serve(t, "strict", sallyport.Config{Providers: []providers.Provider{strict}})
	f.serve(t, "down", sallyport.Config{Providers: generic(f.down, f.hanging)})
	f.serve(t, "shadow", sallyport.Config{Providers: generic(f.issuer), Guard: middleware.Config{Shadow: true}})
	f.serve(t, "problem", sallyport.Config{Providers: generic(f.issuer), Guard: middleware.Config{ProblemJSON: true}})
	f.serve(t, "own body", sallyport.Config{Providers: generic(f.issuer), Guard: middleware.Config{ErrorBody: ownBody}})
	return f
}

// serve opens a Gate, and a server of each framework and wiring behind it.
func (f *fixture) serve(t *testing.T, name string, cfg sallyport.Config) {
	t.Helper()
	cfg.Guard.Realm = "orders"
	cfg.Guard.Exempt = []string{"/home"} // of net/http's table; Gin's and Chi's have their own
	cfg.Guard.OnEvent = f.decisions.add
	cfg.Logger = slog.New(slog.NewTextHandler(&f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Verifier = verifier.Config{Revoked: revoked, Now: func() time.Time { return now }}
	gate, err := sallyport.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, gate.Close()) })
	for _, fw := range frameworks {
		for wiring, h := range map[string]http.Handler{"routes": fw.routes(gate), "table": fw.table(t, gate)} {
			at := site{name, wiring, fw.name}
			f.handlers[at] = f.decisions.observe(h)
			server := httptest.NewServer(f.handlers[at])
			t.Cleanup(server.Close)
			f.servers[at] = server.Listener.Addr().String()
		}
	}
}

func revoked(_ context.Context, c *claims.Claims) (bool, error) {
	if c.Subject() == "unknowable" {
		return false, errors.New("the revocation list cannot be had")
	}
	return c.Subject() == "revoked", nil
}

func ownBody(w http.ResponseWriter, _ *http.Request, e *middleware.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("WWW-Authenticate", "Basic") // has no effect
	w.WriteHeader(http.StatusOK)                // nor has this
	_, _ = w.Write([]byte(`{"refused":true}`))
}

// decisions are the reasons that Guards reported, by the row that asked.
type decisions struct {
	mu    sync.Mutex
	byRow map[string][]string
}

type rowKey struct{}

// observe tells the Guard's events whose request it is, and gives some of them
// a context that has ended.
func (d *decisions) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), rowKey{}, r.Header.Get("X-Row"))
		if r.Header.Get("X-Gone") != "" {
			ended, cancel := context.WithCancel(ctx)
			cancel()
			ctx = ended
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (d *decisions) add(ctx context.Context, ev middleware.Event) {
	row, _ := ctx.Value(rowKey{}).(string)
	line := string(ev.Outcome)
	if ev.Reason != "" {
		line += " " + string(ev.Reason)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byRow == nil {
		d.byRow = map[string][]string{}
	}
	d.byRow[row] = append(d.byRow[row], line)
}

func (d *decisions) of(row string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.byRow[row])
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
