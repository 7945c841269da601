// Package testkit is what the tests of the examples have in common: requests to
// a loopback socket, answers read to their end, programs and their logs.
package testkit

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// Patience and Pause are for conditions that become true: how long they may take
// on a machine that is busy with other things, and how often they are looked at.
const (
	Patience = 2 * time.Minute
	Pause    = 10 * time.Millisecond
)

// Buffer is a log that several goroutines write and that can be read meanwhile.
// The zero value is empty.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends p.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Answer is a response that was read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Decode reads a JSON body.
func (a Answer) Decode(t *testing.T, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.Body), into), a.Body)
}

// Members returns the members of a JSON object.
func (a Answer) Members(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	a.Decode(t, &v)
	return v
}

// NewRequest returns a request with a bearer token, "" for none.
func NewRequest(t *testing.T, method, url, token, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// Do sends a request over a connection of its own, and follows no redirect.
func Do(t *testing.T, r *http.Request) Answer {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		Timeout:       Patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r) //nolint:gosec // G704: a test asks where it wants
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return Answer{res.StatusCode, res.Header, string(body)}
}

// Get gets url with a bearer token, "" for none.
func Get(t *testing.T, url, token string) Answer {
	t.Helper()
	return Do(t, NewRequest(t, http.MethodGet, url, token, ""))
}

// Listener listens on a free port of the loopback interface until the test ends.
func Listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// FreeAddr returns an address that was free a moment ago.
func FreeAddr(t *testing.T) string {
	t.Helper()
	l := Listener(t)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// Listens reports whether connections to addr, with or without http://, are
// accepted.
func Listens(addr string) bool {
	c, err := new(net.Dialer).DialContext(context.Background(), "tcp", strings.TrimPrefix(addr, "http://"))
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// Auth starts a development authorization server that ends with the test.
func Auth(t *testing.T, cfg devauth.Config) *devauth.Server {
	t.Helper()
	s, err := devauth.Start("127.0.0.1:0", cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// Mint mints a token for a client of a development authorization server.
func Mint(t *testing.T, auth *devauth.Server, scheme devauth.Scheme, client string, flaw devauth.Flaw) string {
	t.Helper()
	token, err := auth.Mint(scheme, client, flaw)
	require.NoError(t, err)
	return token
}

// Gate returns the gate of a test issuer.
func Gate(t *testing.T) (*sallyport.Gate, *jwkstest.Issuer) {
	t.Helper()
	issuer := jwkstest.New(t)
	gate, err := sallyport.New(issuer.Issuer(), issuer.Audience())
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	return gate, issuer
}

// AssertOrdersAreGuarded fails the test unless api serves orders to readers,
// and deletes them for admins.
func AssertOrdersAreGuarded(t *testing.T, api http.Handler, issuer *jwkstest.Issuer) {
	t.Helper()
	reader, admin := jwkstest.Claims{"scope": "orders.read"}, jwkstest.Claims{"roles": []string{"Orders.Admin"}}
	for _, row := range []struct {
		method, path, token string
		want                int
	}{
		{http.MethodGet, "/healthz", "", http.StatusOK},
		{http.MethodGet, "/orders", "", http.StatusUnauthorized},
		{http.MethodGet, "/orders", issuer.Token(), http.StatusForbidden},
		{http.MethodGet, "/orders", issuer.Token(reader), http.StatusOK},
		{http.MethodDelete, "/orders/1", issuer.Token(reader), http.StatusForbidden},
		{http.MethodDelete, "/orders/1", issuer.Token(admin), http.StatusOK},
	} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, NewRequest(t, row.method, row.path, row.token, ""))
		assert.Equal(t, row.want, w.Code, "%s %s", row.method, row.path)
	}
}

const asProgram = "EXAMPLE_AS_PROGRAM"

// Main runs the tests, or main where [Program] started the test binary.
func Main(m *testing.M, main func()) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// Program returns the program under test as a process of its own.
func Program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program := exec.CommandContext(t.Context(), os.Args[0], args...) //nolint:gosec // G204: it is this test binary
	program.Env = append(os.Environ(), asProgram+"=1")
	return program
}

// Running is a program that runs in this process.
type Running struct {
	Stdout, Stderr Buffer

	t    *testing.T
	stop context.CancelFunc
	code chan int
}

// Run calls a program's run function in the background.
func Run(t *testing.T, run func(ctx context.Context, args []string, stdout, stderr io.Writer) int, args ...string) *Running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &Running{t: t, stop: stop, code: make(chan int, 1)}
	go func() { r.code <- run(ctx, args, &r.Stdout, &r.Stderr) }()
	return r
}

// Until waits for text in what buffer gets.
func Until(t *testing.T, buffer *Buffer, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(buffer.String(), text) }, Patience, Pause, text)
}

// AssertEnds stops the program and fails the test unless it ends, with code.
func (r *Running) AssertEnds(code int) {
	r.t.Helper()
	r.stop()
	select {
	case got := <-r.code:
		assert.Equal(r.t, code, got)
	case <-time.After(Patience):
		assert.Fail(r.t, "it does not end")
	}
}

// StartedAPI runs the program on a free port, with the issuer in its
// environment, and returns its address when it listens.
func StartedAPI(t *testing.T, issuer *jwkstest.Issuer) string {
	t.Helper()
	addr := FreeAddr(t)
	cmd, log := Program(t, "-addr", addr), &Buffer{}
	cmd.Env, cmd.Stderr = append(cmd.Env, "ISSUER="+issuer.Issuer(), "AUDIENCE="+issuer.Audience()), log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool { return Listens(addr) }, Patience, Pause, "it does not listen: %s", log)
	return addr
}

// AssertServesOrders runs the program where -addr says, and asks it for orders.
func AssertServesOrders(t *testing.T) {
	t.Helper()
	issuer := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.Claims{"scope": "orders.read"})
	addr := StartedAPI(t, issuer)
	assert.Equal(t, http.StatusOK, Get(t, "http://"+addr+"/orders", issuer.Token()).Status)
	assert.Equal(t, http.StatusUnauthorized, Get(t, "http://"+addr+"/orders", "").Status)
}
