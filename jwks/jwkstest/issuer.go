package jwkstest

import (
	"crypto"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/jwks"
)

// DefaultAudience is the audience of tokens unless [WithAudience] sets another.
const DefaultAudience = "api://test"

// Issuer is a fake authorization server. [New] or [Start] makes one; it is safe for concurrent use.
type Issuer struct {
	tb     testing.TB // nil: made by Start
	name   string
	now    func() time.Time
	memory bool // no server
	seed   string
	tokens []TokenOption
	jwk    JWK
	jwkOf  func(crypto.PublicKey) JWK

	closed    chan struct{}
	closeOnce sync.Once
	serve     sync.Once // starts the server
	server    *httptest.Server
	pipe      *pipe

	adding    sync.Mutex // held while a key is added because one is missing
	mu        sync.Mutex
	metadata  Metadata
	published []*Key
	signing   *Key
	made      int // keys so far: the next kid
	seeds     int // keys so far that were made from the seed
	borrowed  []*rsa.PrivateKey
	answers   answers

	snapshot atomic.Pointer[jwks.Snapshot]

	keysOnce    sync.Once
	forgeryKeys atomic.Pointer[forgeryKeys]

	counts counters

	introspection introspection
}

// New returns an issuer that ends with the test. Options for tokens given here
// hold for every token that does not say otherwise.
func New(tb testing.TB, options ...Option) *Issuer {
	tb.Helper()
	iss := &Issuer{tb: tb}
	iss.open(options)
	tb.Cleanup(iss.Close)
	return iss
}

// Start returns an issuer for a program, TestMain or a runnable example: Close it. Wrong use of it panics.
func Start(options ...Option) *Issuer {
	iss := &Issuer{}
	iss.open(options)
	return iss
}

// named tells the issuers without a server apart.
var named atomic.Int64

func (iss *Issuer) open(options []Option) {
	if iss.tb != nil {
		iss.tb.Helper()
	}
	iss.now, iss.closed, iss.pipe = time.Now, make(chan struct{}), newPipe(iss.Handler())
	for _, o := range options {
		o.issuer(iss)
	}
	if iss.name == "" {
		if iss.memory {
			iss.name = fmt.Sprintf("https://issuer-%d.example", named.Add(1))
		} else {
			iss.name = iss.URL()
		}
	}
	iss.signing = iss.NewKey(iss.draft(nil).algorithm())
	iss.Publish(iss.signing)
}

// Close ends the servers and releases requests that hang. No more tokens can be
// minted. An issuer of New closes with its test. Closing twice is fine.
func (iss *Issuer) Close() {
	iss.closeOnce.Do(func() {
		close(iss.closed)
		iss.serve.Do(func() {}) // from now on none starts
		if iss.server != nil {
			iss.server.CloseClientConnections()
			iss.server.Close()
		}
		iss.pipe.close()
		iss.mu.Lock()
		defer iss.mu.Unlock()
		giveBack(iss.borrowed)
		iss.borrowed = nil
	})
}

// Issuer returns the issuer's name: iss of its tokens, issuer of its metadata.
func (iss *Issuer) Issuer() string { return iss.name }

// Audience returns the audience of tokens without options: the first of [WithAudience], or [DefaultAudience].
func (iss *Issuer) Audience() string { return firstAudience(iss.draft(nil).claims) }

// URL returns where the issuer can be reached, without a slash at the end: the
// address of its loopback server, or its name if it has none.
func (iss *Issuer) URL() string {
	url := iss.address()
	if url == "" {
		iss.fail("the issuer is closed")
	}
	return url
}

// address is "" once the issuer is closed before its server was wanted.
func (iss *Issuer) address() string {
	if iss.memory {
		return strings.TrimSuffix(iss.name, "/")
	}
	iss.serve.Do(func() { iss.server = httptest.NewServer(iss.Handler()) })
	if iss.server == nil {
		return ""
	}
	return iss.server.URL
}

// JWKSURL returns where the keys are.
func (iss *Issuer) JWKSURL() string { return iss.URL() + jwksPath }

// DiscoveryURL returns where the metadata is, for an issuer whose name is not its address.
func (iss *Issuer) DiscoveryURL() string { return iss.URL() + oidcPath }

// Client returns a client that reaches the issuer without a socket, whatever host a URL names, over
// http and https alike. It ends with the issuer.
func (iss *Issuer) Client() *http.Client { return &http.Client{Transport: iss.pipe.transport} }

// check is fail for an error.
func (iss *Issuer) check(err error) {
	if err != nil {
		if iss.tb != nil {
			iss.tb.Helper()
		}
		iss.fail("%v", err)
	}
}

// fail reports wrong use.
func (iss *Issuer) fail(format string, args ...any) {
	if iss.tb == nil {
		panic("jwkstest: " + fmt.Sprintf(format, args...))
	}
	iss.tb.Helper()
	iss.tb.Fatalf("jwkstest: "+format, args...)
}

// Option configures an [Issuer].
type Option interface{ issuer(iss *Issuer) }

// JWK are members of a key as the issuer publishes it. They replace those that it has anyway; a nil value leaves one
// out. As an option it holds for every key of the issuer.
type JWK map[string]any

// Metadata are members of the discovery documents. They replace those that are
// there anyway; a nil value leaves one out.
type Metadata map[string]any

func (j JWK) issuer(iss *Issuer) { iss.jwk = merge(iss.jwk, j) }

func (d Metadata) issuer(iss *Issuer) { iss.metadata = merge(iss.metadata, d) }

// issuerOption is an option of the issuer alone.
type issuerOption func(*Issuer)

func (o issuerOption) issuer(iss *Issuer) { o(iss) }

// WithName gives the issuer a name that is not its address, such as https://sts.windows.net/<tenant>/. Its metadata
// is at [Issuer.DiscoveryURL], or where the name says if the request comes by [Issuer.Client].
func WithName(name string) Option { return issuerOption(func(iss *Issuer) { iss.name = name }) }

// WithoutServer opens no socket: the issuer is reached through [Issuer.Client] alone. Unless [WithName] says
// otherwise its name is a host under .example that differs from issuer to issuer.
func WithoutServer() Option { return issuerOption(func(iss *Issuer) { iss.memory = true }) }

// WithClock sets the clock for the times of tokens, [time.Now] by default.
func WithClock(now func() time.Time) Option { return issuerOption(func(iss *Issuer) { iss.now = now }) }

// WithJWK has each key of the issuer published with the members that members returns for its public half: a kid that
// is a thumbprint, a certificate. Those of a [JWK] replace them; a nil value leaves one out.
func WithJWK(members func(crypto.PublicKey) JWK) Option {
	return issuerOption(func(iss *Issuer) { iss.jwkOf = members })
}
