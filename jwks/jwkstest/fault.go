package jwkstest

import (
	"net/http"
	"sync"
	"time"
)

// answers is how the issuer answers now. Requests take a copy when they arrive.
type answers struct {
	serve, serveJWKS http.HandlerFunc
	delay            time.Duration
	hanging          chan struct{} // closed: no more
	release          func()
	cacheControl     string
	etag             *string // nil: of the body
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

// wait delays an answer. It reports false when nobody is left to answer to.
func (a *answers) wait(r *http.Request, closed <-chan struct{}) bool {
	if a.hanging != nil {
		select {
		case <-a.hanging:
		case <-closed:
			return false
		case <-r.Context().Done():
			return false
		}
	}
	if a.delay <= 0 {
		return true
	}
	timer := time.NewTimer(a.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-closed:
		return false
	case <-r.Context().Done():
		return false
	}
}

// Fail answers every request for keys or metadata with that status, and a body
// that is not JSON.
func (iss *Issuer) Fail(status int) {
	iss.Serve(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, http.StatusText(status), status)
	})
}

// Serve answers every request for keys or metadata with h, which can fall back
// on [Issuer.Answer].
func (iss *Issuer) Serve(h http.HandlerFunc) {
	iss.setAnswers(func(a *answers) { a.serve, a.serveJWKS = h, nil })
}

// ServeJWKS answers requests for keys with h, and leaves those for metadata as
// they are.
func (iss *Issuer) ServeJWKS(h http.HandlerFunc) {
	iss.setAnswers(func(a *answers) { a.serveJWKS = h })
}

// Slow delays every answer by d.
func (iss *Issuer) Slow(d time.Duration) {
	iss.setAnswers(func(a *answers) { a.delay = d })
}

// Hang holds every answer back until release is called, the issuer is restored
// or the client gives up.
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
	iss.setAnswers(func(a *answers) {
		a.hanging = hanging
		a.release = release
	})
	return release
}

// Restore ends what Fail, Serve, ServeJWKS, Slow and Hang began.
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

// SetCacheControl sets the Cache-Control of the answers; "" (as it begins)
// sends none.
func (iss *Issuer) SetCacheControl(value string) {
	iss.setAnswers(func(a *answers) { a.cacheControl = value })
}

// SetETag fixes the ETag, quotes included, whatever the body: a lie once the
// keys change. "" sends none. Without it the ETag is one of the body.
func (iss *Issuer) SetETag(tag string) {
	iss.setAnswers(func(a *answers) { a.etag = &tag })
}

// SetMetadata changes members of the discovery documents.
func (iss *Issuer) SetMetadata(members Metadata) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.metadata = merge(iss.metadata, members)
}
