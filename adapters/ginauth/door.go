package ginauth

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/sallyport-go/sallyport/adapters/audit"
	"github.com/sallyport-go/sallyport/adapters/internal/table"
)

// door leads Gin's requests through a handler of a Guard: always the same one,
// or that of the route.
type door struct {
	handler http.Handler
	table   *table.Table
}

func through(h http.Handler) gin.HandlerFunc { return (&door{handler: h}).asGin() }

// asGin is the only place where a door becomes a HandlerFunc, so that Audit can
// tell doors from other handlers by their code.
//
//go:noinline
func (d *door) asGin() gin.HandlerFunc { return d.handle }

func (d *door) handle(c *gin.Context) {
	if i, ok := c.Writer.(*inspection); ok { // an audit asks, there is no request
		i.door = d.asDoor()
		return
	}
	var admitted *http.Request
	// Also if the Guard panics: a Recovery that does not abort would otherwise
	// make Gin go on to the handlers behind this door.
	defer func() {
		if admitted == nil {
			c.Abort()
		}
	}()
	p := &passage{ResponseWriter: c.Writer, unrouted: c.FullPath() == ""}
	d.choose(c).ServeHTTP(p, c.Request)
	if admitted = p.request; admitted == nil {
		c.Writer.WriteHeaderNow() // an answer to HEAD has no body that would send it
		return
	}
	c.Request = admitted
}

func (d *door) choose(c *gin.Context) http.Handler {
	if d.table != nil {
		return d.table.Handler(c.Request.Method, c.FullPath())
	}
	return d.handler
}

func (d *door) asDoor() audit.Door {
	if d.table != nil {
		return d.table
	}
	return audit.DoorOf(d.handler)
}

// passage is what the Guard writes its denial to, or finds the way on by. It is
// never used for a second request. Handlers behind the door get Gin's own
// ResponseWriter.
type passage struct {
	gin.ResponseWriter
	unrouted bool
	request  *http.Request // with the claims; nil: not let through
}

// WriteHeader begins a denial. Gin has already put the Allow header of a 405
// there, which would tell those without a token what routes exist.
func (p *passage) WriteHeader(status int) {
	if p.unrouted {
		p.Header().Del("Allow")
	}
	p.ResponseWriter.WriteHeader(status)
}

// passed stands where net/http has the next handler.
var passed = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if p, ok := w.(*passage); ok {
		p.request = r
	}
})

func mustBe(guard Guard) Guard {
	if guard == nil {
		panic(errors.New("ginauth: the Guard is nil"))
	}
	return guard
}
