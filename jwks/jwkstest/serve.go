package jwkstest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The paths of an issuer's documents. The metadata is also where the issuer's name puts them.
const (
	jwksPath  = "/jwks"
	oidcPath  = "/.well-known/openid-configuration"
	oauthPath = "/.well-known/oauth-authorization-server"
)

// counters count requests as they arrive, whatever is answered.
type counters struct{ jwks, discovery, notModified, strays, introspections atomic.Int64 }

// Fetches returns how often the keys were asked for, whatever the answer.
func (iss *Issuer) Fetches() int { return int(iss.counts.jwks.Load()) }

// DiscoveryFetches returns how often either discovery document was asked for.
func (iss *Issuer) DiscoveryFetches() int { return int(iss.counts.discovery.Load()) }

// NotModified returns how many answers were 304.
func (iss *Issuer) NotModified() int { return int(iss.counts.notModified.Load()) }

// Strays returns how many requests asked for anything else. A verifier that fetches
// what a header points at (jku, x5u) leaves its trace here.
func (iss *Issuer) Strays() int { return int(iss.counts.strays.Load()) }

// Handler returns what the issuer's server runs, for another server.
func (iss *Issuer) Handler() http.Handler { return http.HandlerFunc(iss.serveHTTP) }

func (iss *Issuer) serveHTTP(w http.ResponseWriter, r *http.Request) {
	doc := iss.document(r)
	switch doc {
	case jwksDocument:
		iss.counts.jwks.Add(1)
	case discoveryDocument:
		iss.counts.discovery.Add(1)
	case introspectionDocument:
		iss.counts.introspections.Add(1)
	default:
		iss.counts.strays.Add(1)
	}
	a := iss.current()
	switch {
	case !a.wait(r, iss.closed):
		panic(http.ErrAbortHandler) // an empty 200 would be an answer
	case doc == jwksDocument && a.serveJWKS != nil:
		a.serveJWKS(w, r)
	case doc == introspectionDocument && a.serveIntrospection != nil:
		a.serveIntrospection(w, r)
	case doc != strayDocument && doc != introspectionDocument && a.serve != nil:
		a.serve(w, r)
	default:
		iss.Answer(w, r)
	}
}

// Answer answers as the issuer does without faults, for handlers of [Issuer.Serve] that want to change it.
func (iss *Issuer) Answer(w http.ResponseWriter, r *http.Request) {
	switch iss.document(r) {
	case jwksDocument:
		iss.answer(w, r, jwkSet(iss.Published()))
	case discoveryDocument:
		iss.answer(w, r, iss.discovery())
	case introspectionDocument:
		iss.introspect(w, r)
	default:
		if !iss.answerAttacker(w, r) {
			http.NotFound(w, r)
		}
	}
}

type document int

const (
	strayDocument document = iota
	jwksDocument
	discoveryDocument
	introspectionDocument
)

// document says what a path means: OpenID Connect Discovery 1.0 section 4
// appends to the issuer's path, RFC 8414 section 3.1 inserts before it.
func (iss *Issuer) document(r *http.Request) document {
	var path string
	if u, err := url.Parse(iss.name); err == nil {
		path = strings.TrimSuffix(u.EscapedPath(), "/")
	}
	switch r.URL.EscapedPath() {
	case jwksPath, path + jwksPath:
		return jwksDocument
	case oidcPath, path + oidcPath, oauthPath, oauthPath + path:
		return discoveryDocument
	case introspectionPath, path + introspectionPath:
		return introspectionDocument
	}
	return strayDocument
}

// jwkSet is a JWK Set (RFC 7517 section 5).
func jwkSet(published []*Key) map[string]any {
	keys := []map[string]any{}
	for _, k := range published {
		keys = append(keys, present(k.jwk))
	}
	return map[string]any{"keys": keys}
}

// discovery returns the metadata, the same for both documents (RFC 8414 section 2).
func (iss *Issuer) discovery() map[string]any {
	at := iss.address()
	doc := Metadata{
		"issuer":                                iss.name,
		"jwks_uri":                              at + jwksPath,
		"token_endpoint":                        at + "/token",
		"authorization_endpoint":                at + "/authorize",
		"introspection_endpoint":                at + introspectionPath,
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{iss.Key().alg},
	}
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return merge(doc, iss.metadata)
}

func (iss *Issuer) answer(w http.ResponseWriter, r *http.Request, doc map[string]any) {
	body, err := marshal(doc)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	a := iss.current()
	w.Header().Set("Content-Type", "application/json")
	if a.cacheControl != "" {
		w.Header().Set("Cache-Control", a.cacheControl)
	}
	if tag := a.tag(body); tag != "" {
		w.Header().Set("Etag", tag)
		if r.Header.Get("If-None-Match") == tag {
			iss.counts.notModified.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	_, _ = w.Write(body)
}

func (a *answers) tag(body []byte) string {
	if a.etag != nil {
		return *a.etag
	}
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// answers configures how the issuer answers. Requests take a copy when they arrive.
type answers struct {
	serve, serveJWKS   http.HandlerFunc
	serveIntrospection http.HandlerFunc
	delay              time.Duration
	hanging            chan struct{} // closed: no more
	release            func()
	cacheControl       string
	etag               *string // nil: of the body
}

func (iss *Issuer) current() answers {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.answers
}

func (iss *Issuer) setAnswers(set func(*answers)) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	set(&iss.answers)
}

// wait delays an answer. It reports false when the request has ended.
func (a *answers) wait(r *http.Request, closed <-chan struct{}) bool {
	if a.hanging != nil && !await(a.hanging, r, closed) {
		return false
	}
	return a.delay <= 0 || await(time.After(a.delay), r, closed)
}

func await[T any](event <-chan T, r *http.Request, closed <-chan struct{}) bool {
	select {
	case <-event:
		return true
	case <-closed:
	case <-r.Context().Done():
	}
	return false
}

// Fail answers every request for keys or metadata with that status, and a body that is not JSON.
func (iss *Issuer) Fail(status int) {
	iss.Serve(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, http.StatusText(status), status) })
}

// Serve answers every request for keys or metadata with h, which can fall back on [Issuer.Answer].
func (iss *Issuer) Serve(h http.HandlerFunc) {
	iss.setAnswers(func(a *answers) { a.serve, a.serveJWKS = h, nil })
}

// ServeJWKS answers requests for keys with h, and leaves those for metadata as they are.
func (iss *Issuer) ServeJWKS(h http.HandlerFunc) {
	iss.setAnswers(func(a *answers) { a.serveJWKS = h })
}

// Slow delays every answer by d.
func (iss *Issuer) Slow(d time.Duration) { iss.setAnswers(func(a *answers) { a.delay = d }) }

// Hang holds every answer back until release is called, the issuer is restored or the client gives up.
func (iss *Issuer) Hang() (release func()) {
	hanging := make(chan struct{})
	release = sync.OnceFunc(func() {
		iss.setAnswers(func(a *answers) {
			if a.hanging == hanging {
				a.hanging = nil
			}
		})
		close(hanging)
	})
	iss.setAnswers(func(a *answers) { a.hanging, a.release = hanging, release })
	return release
}

// Restore ends what Fail, Serve, ServeJWKS, ServeIntrospection, Slow and Hang began.
func (iss *Issuer) Restore() {
	var release func()
	iss.setAnswers(func(a *answers) {
		release = a.release
		*a = answers{cacheControl: a.cacheControl, etag: a.etag}
	})
	if release != nil {
		release()
	}
}

// SetCacheControl sets the Cache-Control of the answers; "" (as it begins) sends none.
func (iss *Issuer) SetCacheControl(value string) {
	iss.setAnswers(func(a *answers) { a.cacheControl = value })
}

// SetETag fixes the ETag, quotes included, whatever the body: a lie once the
// keys change. "" sends none. Without it the ETag is one of the body.
func (iss *Issuer) SetETag(tag string) { iss.setAnswers(func(a *answers) { a.etag = &tag }) }

// SetMetadata changes members of the discovery documents.
func (iss *Issuer) SetMetadata(members Metadata) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.metadata = merge(iss.metadata, members)
}
