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

// DefaultAudience is who tokens are for unless [WithAudience] says otherwise.
const DefaultAudience = "api://test"

// Issuer is a fake authorization server. [New] or [Start] makes one; it is safe
// for concurrent use.
type Issuer struct {
	tb     testing.TB // nil: made by Start
	name   string
	now    func() time.Time
	memory bool // no server
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
	borrowed  []*rsa.PrivateKey
	answers   answers

	generation uint64
	snapshot   atomic.Pointer[jwks.Snapshot]

	armOnce sync.Once
	arsenal atomic.Pointer[arsenal]

	counts counters
}

// New makes an issuer that ends with the test. Options for tokens given here
// hold for every token that does not say otherwise.
func New(tb testing.TB, options ...Option) *Issuer {
	tb.Helper()
	iss := &Issuer{tb: tb}
	iss.open(options)
	tb.Cleanup(iss.Close)
	return iss
}

// Start makes an issuer where there is no test to end it, as in TestMain or a
// runnable example: Close it. What is asked of it wrongly panics.
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
	iss.signing = iss.NewKey(iss.minting(nil).algorithm())
	iss.Publish(iss.signing)
}

// Close ends servers and releases who hangs. Tokens can be minted no more. An
// issuer of New closes with its test. It may be called more than once.
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

// Issuer is the issuer's name: iss of its tokens, issuer of its metadata.
func (iss *Issuer) Issuer() string { return iss.name }

// Audience is who its tokens are for, unless they say otherwise: the first of
// [WithAudience], or [DefaultAudience].
func (iss *Issuer) Audience() string {
	return firstAudience(iss.minting(nil).claims)
}

// URL is where the issuer can be reached, without a slash at the end: the
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

// JWKSURL is where the keys are.
func (iss *Issuer) JWKSURL() string { return iss.URL() + jwksPath }

// DiscoveryURL is where the metadata is, for an issuer whose name is not its
// address.
func (iss *Issuer) DiscoveryURL() string { return iss.URL() + oidcPath }

// Client reaches the issuer without a socket, whatever host a URL names, over
// http and https alike. It ends with the issuer.
func (iss *Issuer) Client() *http.Client { return &http.Client{Transport: iss.pipe.transport} }

// fail reports a mistake of the caller.
func (iss *Issuer) fail(format string, args ...any) {
	if iss.tb == nil {
		panic("jwkstest: " + fmt.Sprintf(format, args...))
	}
	iss.tb.Helper()
	iss.tb.Fatalf("jwkstest: "+format, args...)
}
