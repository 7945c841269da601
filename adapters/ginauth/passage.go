package ginauth

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/sallyport-go/sallyport/internal/cachecontrol"
)

// passage is the ResponseWriter of the Guard, which writes its denial to it or
// gives it to the next handler. It is never used for a second request. Handlers
// behind the door get Gin's own ResponseWriter, or the passage where the Guard
// wants their answers to be private.
type passage struct {
	gin.ResponseWriter
	unrouted bool
	request  *http.Request // with the claims; nil: not let through

	private bool
	value   [1]string // of Cache-Control
}

// KeepPrivate makes passage a [cachecontrol.Keeper]. Where a door further out
// has a passage already, that one does it.
func (p *passage) KeepPrivate() {
	_, done := p.ResponseWriter.(cachecontrol.Keeper)
	p.private = !done
}

// serve runs what stands behind the door.
func (p *passage) serve(c *gin.Context) {
	c.Writer = p
	c.Next()
	p.commit() // Gin sends the header of an answer without a body itself
}

// commit settles the header before it is sent.
func (p *passage) commit() {
	if p.private && !p.Written() {
		cachecontrol.Private(p.Header(), &p.value)
	}
}

// WriteHeader notes a status: of a denial, or of a handler behind the door. Of a
// denial Gin has already set the Allow header of a 405, which would show callers
// without a token what routes exist.
func (p *passage) WriteHeader(status int) {
	if p.unrouted && p.request == nil {
		p.Header().Del("Allow")
	}
	p.ResponseWriter.WriteHeader(status)
}

// WriteHeaderNow sends the header.
func (p *passage) WriteHeaderNow() {
	p.commit()
	p.ResponseWriter.WriteHeaderNow()
}

// Write sends the header, if that was not done, and a part of the body.
func (p *passage) Write(b []byte) (int, error) {
	p.commit()
	return p.ResponseWriter.Write(b)
}

// WriteString is Write without a copy.
func (p *passage) WriteString(s string) (int, error) {
	p.commit()
	return p.ResponseWriter.WriteString(s)
}

// Flush sends what was written.
func (p *passage) Flush() {
	p.commit()
	p.ResponseWriter.Flush()
}

// Unwrap returns Gin's own ResponseWriter.
func (p *passage) Unwrap() http.ResponseWriter { return p.ResponseWriter }
