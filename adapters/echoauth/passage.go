package echoauth

import (
	"bufio"
	"net"
	"net/http"

	"github.com/labstack/echo/v5"
)

// passage is the ResponseWriter of the Guard, which writes its denial to it or gives
// it to the next handler. It is never used for a second request.
type passage struct {
	http.ResponseWriter                     // what handlers behind the door write to
	denial              http.ResponseWriter // what a denial is written to
	context             *echo.Context
	next                echo.HandlerFunc
	passed              bool
	err                 error // of the handlers behind the door
}

func newPassage(c *echo.Context, next echo.HandlerFunc) *passage {
	p := &passage{ResponseWriter: c.Response(), denial: c.Response(), context: c, next: next}
	if c.Request().Method == http.MethodHead {
		// Echo's AutoHandleHEAD counts the bytes that a handler writes for the
		// Content-Length of its answer to GET. A denial has none for HEAD.
		if own, err := echo.UnwrapResponse(p.denial); err == nil {
			p.denial = own
		}
	}
	return p
}

// passed is the next handler in the sense of net/http.
var passed = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	p := passageOf(w)
	if p == nil { // of a Guard that is none of ours
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	p.serve(w, r)
})

// passageOf unwraps what a Guard has put around a passage.
func passageOf(w http.ResponseWriter) *passage {
	for {
		if p, ok := w.(*passage); ok {
			return p
		}
		around, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = around.Unwrap()
	}
}

// serve runs what stands behind the door.
func (p *passage) serve(w http.ResponseWriter, r *http.Request) {
	p.passed = true
	c := p.context
	c.SetRequest(r)
	if w != http.ResponseWriter(p) {
		c.SetResponse(w)
		defer c.SetResponse(p.ResponseWriter)
	}
	p.err = p.next(c)
}

func (p *passage) writer() http.ResponseWriter {
	if p.passed {
		return p.ResponseWriter
	}
	return p.denial
}

// WriteHeader sends the header, of a denial or of a handler behind the door.
func (p *passage) WriteHeader(status int) { p.writer().WriteHeader(status) }

// Write sends a part of the body.
func (p *passage) Write(b []byte) (int, error) { return p.writer().Write(b) }

// Flush sends what was written.
func (p *passage) Flush() { _ = http.NewResponseController(p.ResponseWriter).Flush() }

// Hijack lets a handler take the connection over.
func (p *passage) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(p.ResponseWriter).Hijack()
}

// Unwrap returns Echo's ResponseWriter.
func (p *passage) Unwrap() http.ResponseWriter { return p.ResponseWriter }
