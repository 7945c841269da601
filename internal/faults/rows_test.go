package faults_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// row is one fault: how it begins and ends, and what is expected of a Gate.
type row struct {
	name  string
	first func(w *world) // before any load; nil: nothing
	begin func(w *world)
	end   func(w *world) // beside restoring the issuer and the wire; nil: nothing
	also  func(w *world) string
	want  outcome
}

// outcome is what the rows of the table say.
type outcome struct {
	cold     string // a good token, before the first load
	known    string // a good token of a known key, after one
	unknown  string // a token whose kid was never published
	newcomer string // a token of a key that was published during the fault
	back     string // when both good tokens are accepted, after the fault has ended
	events   string
	shows    string // in Status
	attempts int    // at most, in 80 minutes
}

// What becomes of tokens of a known key while a fault lasts.
const (
	always  = "200"
	stale   = "200; after MaxStaleness 503 keys_unavailable"
	ask     = "401 unknown_key"
	down    = "503 keys_unavailable"
	nothing = "nothing"

	timedOut = "no complete answer within"
	rotated  = "fetched not_modified rotated" // events when all is well
)

// outage is the outcome of every fault that keeps the keys from being had.
func outage(says string) outcome {
	return outcome{
		cold: down, known: stale, unknown: down, newcomer: down, back: "≤ 65 s",
		events: "failed", shows: "LastError: " + says, attempts: 95,
	}
}

// unharmed is the outcome of a fault that no caller notices.
func unharmed(events string) outcome {
	return outcome{cold: always, known: always, unknown: ask, newcomer: always, back: "at once", events: events, shows: nothing, attempts: 10}
}

func (o outcome) but(change func(*outcome)) outcome {
	change(&o)
	return o
}

// refusesKnown is the outcome of a fault that takes the known key away at the next refresh.
func refusesKnown(answer string) outcome {
	return unharmed(rotated).but(func(o *outcome) { o.cold, o.known, o.back = answer, "200; after a refresh "+answer, "≤ 15 min" })
}

var (
	connection = []row{
		{name: "refuses connections", begin: func(w *world) { w.wire.cut(failing(refused)) }, want: outage("connection refused")},
		{name: "has a name that does not resolve", begin: func(w *world) { w.wire.cut(failing(unresolved)) }, want: outage("no such host")},
		{name: "has an expired certificate", begin: func(w *world) { w.wire.cut(presenting("*.example", year(1999))) }, want: outage("certificate has expired")},
		{name: "has the certificate of another host", begin: func(w *world) { w.wire.cut(presenting("other.invalid", year(2110))) }, want: outage("certificate is valid for other.invalid, not")},
		{name: "hangs before it answers", begin: func(w *world) { w.iss.Hang() }, want: outage(timedOut)},
		{name: "hangs in the middle of the body", begin: func(w *world) { w.iss.Serve(hangInBody) }, want: outage(timedOut)},
		{name: "sends one byte per second", begin: func(w *world) { w.iss.Serve(drip) }, want: outage(timedOut)},
		{name: "breaks off in the middle of the body", begin: func(w *world) { w.iss.Serve(breakOff) }, want: outage("broke off")},
	}
	statuses = []row{
		{name: "500", begin: answers(http.StatusInternalServerError, "", ""), want: outage("answered 500")},
		{name: "503, Retry-After 30 s", begin: answers(http.StatusServiceUnavailable, "Retry-After", "30"), want: outage("answered 503")},
		{name: "503, Retry-After a day", begin: answers(http.StatusServiceUnavailable, "Retry-After", "86400"), want: outage("answered 503")},
		{name: "429", begin: answers(http.StatusTooManyRequests, "", ""), want: outage("answered 429")},
		{name: "301 elsewhere", begin: answers(http.StatusMovedPermanently, "Location", "https://elsewhere.example/moved"), want: outage("redirects are not followed")},
		{name: "304 to everybody", begin: func(w *world) { w.iss.ServeJWKS(fixed(http.StatusNotModified, "", "")) }, want: outage("answered 304").but(afterARefresh)},
		{name: "500 for the metadata alone", begin: metadataFails, want: unharmed("failed fetched not_modified rotated").but(func(o *outcome) {
			o.cold, o.unknown, o.shows = down, down, "LastError: answered 500"
		})},
	}
	bodies = []row{
		{name: "HTML with 200", begin: serves("text/html", "<!doctype html><title>Maintenance</title>"), want: outage("not a JWK Set")},
		{name: "truncated JSON", begin: serves("application/json", `{"keys":[{"kty":"OKP","crv":"Ed255`), want: outage("not a JWK Set")},
		{name: "a body of 200 MB", begin: func(w *world) { w.iss.ServeJWKS(repeat("identity", blank)) }, want: outage("sent more than 512 KiB")},
		{name: "a gzip bomb of 200 MB", begin: func(w *world) { w.iss.ServeJWKS(repeat("gzip", zipped())) }, want: outage("sent more than 512 KiB")},
		{name: "10 000 keys", begin: servesKeys(manyKeys(10_000)), want: outage("sent more than 512 KiB")},
		{name: "1 000 keys", begin: servesKeys(manyKeys(1_000)), want: outage("more than 256 keys")},
		{name: "an empty set", begin: servesKeys(`{"keys":[]}`), want: outage("the set holds no keys")},
		{name: "unusable keys only", begin: servesKeys(unusable), want: outage("none of the 4 keys in the set is usable")},
	}
	metadata = []row{
		{name: "another issuer", begin: names(jwkstest.Metadata{"issuer": "https://evil.example"}), end: namesItself, want: outage("says issuer").but(afterARefresh)},
		{name: "a jwks_uri on another host", begin: names(jwkstest.Metadata{"jwks_uri": "https://keys.elsewhere.example/jwks"}), end: namesItself, want: unharmed(rotated)},
		{name: "a jwks_uri without TLS", begin: names(jwkstest.Metadata{"jwks_uri": "http://keys.elsewhere.example/jwks"}), end: namesItself, want: outage("use https").but(afterARefresh)},
	}
	keys = []row{
		{name: "one usable key among unusable ones", begin: func(w *world) { publish(w, "HS256", "secret") }, end: func(w *world) { w.iss.Remove("secret") }, want: unharmed(rotated).but(shows(`Skipped: kty "oct"`))},
		{name: "the same key twice", begin: func(w *world) { w.iss.Publish(w.known) }, end: restoreKnown, want: unharmed(rotated)},
		{name: "two keys of one kid", begin: func(w *world) { publish(w, "EdDSA", w.known.ID()) }, end: restoreKnown, want: unharmed(rotated)},
		{name: "another key under its kid", begin: func(w *world) { w.iss.Replace(w.known.ID()) }, end: restoreKnown, want: refusesKnown("401 bad_signature")},
		{name: "the key no longer", begin: withdraw, end: restoreKnown, want: refusesKnown(ask).but(asksForIt).but(func(o *outcome) { o.events = "fetched rotated" })},
	}
	caching = []row{
		{name: "an ETag that hides a new key", begin: lie, want: unharmed(rotated)},
		{name: "an ETag that hides a withdrawal, until a stranger comes", first: lie, begin: withdraw, end: admit, want: refusesKnown(ask).but(asksForIt)},
		{name: "max-age=0", begin: caches("max-age=0"), end: caches(""), want: unharmed(rotated).but(func(o *outcome) { o.attempts = 85 })},
		{name: "max-age=1e12", begin: caches("max-age=1000000000000"), end: caches(""), want: unharmed(rotated)},
	}
	clocks = []row{
		{name: "an hour ahead", begin: skew(time.Hour), end: skew(0), also: shortToken, want: unharmed(rotated).but(shows("nothing; tokens of half an hour: 401 expired"))},
		{name: "an hour back", begin: skew(-time.Hour), end: skew(0), also: shortToken, want: unharmed(rotated).but(shows("nothing; tokens of half an hour: 401 issued_in_future"))},
	}
)

func shows(what string) func(*outcome) { return func(o *outcome) { o.shows = what } }

// afterARefresh: the unknown kid reveals the fault. Scheduled refreshes do not
// meet it: they read no metadata, and ask for a 304.
func afterARefresh(o *outcome) { o.events = "failed not_modified" }

// asksForIt: tokens of a withdrawn key cause a fetch a minute, for as long as they come.
func asksForIt(o *outcome) { o.attempts = 80 }

func answers(status int, header, value string) func(*world) {
	return func(w *world) { w.iss.Serve(fixed(status, header, value)) }
}

func fixed(status int, name, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if value != "" {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
	}
}

func serves(contentType, body string) func(*world) {
	return func(w *world) { w.iss.ServeJWKS(text(contentType, body)) }
}

func servesKeys(set string) func(*world) { return serves("application/jwk-set+json", set) }

func text(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

func names(members jwkstest.Metadata) func(*world) {
	return func(w *world) { w.iss.SetMetadata(members) }
}

func namesItself(w *world) {
	w.iss.SetMetadata(jwkstest.Metadata{"issuer": w.iss.Issuer(), "jwks_uri": w.iss.JWKSURL()})
}

func caches(control string) func(*world) { return func(w *world) { w.iss.SetCacheControl(control) } }

func skew(d time.Duration) func(*world) { return func(w *world) { w.skew.Store(int64(d)) } }

func shortToken(w *world) string {
	token := w.iss.Token(jwkstest.Claims{"exp": time.Now().Add(30 * time.Minute)})
	return "tokens of half an hour: " + w.call(token).String()
}

func flushed(w http.ResponseWriter, s string) error {
	_, err := io.WriteString(w, s)
	return errors.Join(err, http.NewResponseController(w).Flush())
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func hangInBody(w http.ResponseWriter, r *http.Request) {
	_ = flushed(w, `{"keys":[`)
	<-r.Context().Done()
}

func drip(w http.ResponseWriter, r *http.Request) {
	for flushed(w, " ") == nil {
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
			return
		}
	}
}

func breakOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_ = flushed(w, `{"keys":[`)
	panic(http.ErrAbortHandler)
}

// metadataFails answers for the keys alone.
func metadataFails(w *world) {
	w.iss.Fail(http.StatusInternalServerError)
	w.iss.ServeJWKS(w.iss.Answer)
}

// A megabyte of white space, and as a gzip member; several in a row are one stream.
var (
	blank  = bytes.Repeat([]byte(" "), 1<<20)
	zipped = sync.OnceValue(func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_ = must(z.Write(blank))
		_ = z.Close() // of a buffer
		return b.Bytes()
	})
)

// repeat sends 200 megabytes, as far as they are read.
func repeat(encoding string, megabyte []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", encoding)
		for range 200 {
			if _, err := w.Write(megabyte); err != nil {
				return
			}
		}
	}
}

func manyKeys(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"%d","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, i)
	}
	return `{"keys":[` + strings.Join(list, ",") + `]}`
}

const unusable = `{"keys":[
	{"kty":"oct","kid":"secret","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
	{"kty":"OKP","crv":"Ed25519","kid":"enc","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
	{"kty":"RSA","kid":"small","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri","e":"AQAB"},
	{"kty":"AKP","kid":"future","alg":"ML-DSA-44","pub":"AA"}]}`

func publish(w *world, alg, kid string) { w.iss.Publish(w.iss.NewKey(alg, jwkstest.JWK{"kid": kid})) }

func withdraw(w *world) {
	w.iss.Rotate()
	w.iss.Remove(w.known.ID())
}

func lie(w *world) { w.iss.SetETag(`"the same"`) }

func admit(w *world) {
	w.iss.SetETag("")
	restoreKnown(w)
}

// restoreKnown makes the key of the beginning the one of its kid again.
func restoreKnown(w *world) {
	w.iss.Remove(w.known.ID())
	w.iss.Publish(w.known)
	w.iss.Use(w.known)
}
