package middleware

import (
	"net/http"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/params"
)

// RequestOf returns the request that a Guard checks a rule for, for rules about
// its host, its header or its query. It reports false for a call of another
// transport. The rule must not change the request nor read its body.
//
//	claims.FuncCall("the tenant of the host", func(c *claims.Claims, call claims.Call) bool {
//		r, ok := middleware.RequestOf(call)
//		tenant, has := c.Text("tenant")
//		return ok && has && r.Host == tenant+".api.example"
//	})
func RequestOf(call claims.Call) (*http.Request, bool) {
	c, ok := call.(*requestCall)
	if !ok || c == nil {
		return nil, false
	}
	return c.request, true
}

// requestCall is a request as rules see it.
type requestCall struct {
	request *http.Request
	param   func(name string) string
	ages    ages
}

// ages is a Verifier with a clock, such as *verifier.Verifier.
type ages interface {
	Elapsed(since time.Time) time.Duration
}

// Param returns the parameter as the router gives it to the handler.
func (c *requestCall) Param(name string) string { return c.param(name) }

// clockLeeway is granted to a clock that is ahead of this one, where the Verifier
// has none of its own.
const clockLeeway = 30 * time.Second

// Elapsed returns how long ago t was by the clock of the Verifier, negative if that
// lies ahead, for rules about the age of something.
func (c *requestCall) Elapsed(t time.Time) time.Duration {
	if c.ages == nil {
		age := time.Since(t)
		if age < 0 {
			return min(0, age+clockLeeway)
		}
		return age
	}
	return c.ages.Elapsed(t)
}

// forRule returns the request for a rule that asks about it, and the request
// without what was put there for that.
func (g *guard) forRule(r *http.Request) (*http.Request, claims.Call) {
	r, param := params.Take(r)
	return r, &requestCall{request: r, param: param, ages: g.ages}
}
