package ginauth

import (
	"errors"

	"github.com/gin-gonic/gin"

	"github.com/sallyport-go/sallyport/adapters/audit"
)

// Audit says of every route what a request for it must bring, and fails if a
// route was forgotten: if neither a rule nor an exemption decides about it.
//
//	report, err := ginauth.Audit(engine, "GET /healthz")
//	if err != nil {
//		t.Fatal(err)
//	}
//	t.Log(report)
//
// Names in open declare routes that are open on purpose, each as "METHOD
// pattern" or as a pattern for all its methods. [Authenticate] and [Optional]
// are no rules, and neither is anything in shadow mode; a route that any good
// token may use says so with Require and claims.AnyToken. Entries of a [Policy]
// that name no route are errors too. The report comes with the error, unless
// the routes could not be read at all.
//
// Audit looks at the chains that Gin will run, one by one; it makes no request
// and runs no handler but the doors of this package, which only say what they
// want. So it knows what was registered in the wrong order: a door that Use
// adds behind a route's back is not in its chain, and a door that stands last
// protects nothing.
//
// Its limits: a door inside a function of yours is not seen, and the route
// counts as forgotten. Whether a handler in front of the door does harm is not
// seen either, nor what a handler behind it does. Handlers of Engine.NoRoute and
// Engine.NoMethod are in the report as routes "* NoRoute" and "* NoMethod".
//
// It belongs into tests, after all routes are registered and while none is
// being added. Gin keeps chains private, so they are read by reflection; with a
// version of Gin that keeps them otherwise, Audit fails.
func Audit(engine *gin.Engine, open ...string) (audit.Report, error) {
	all, err := chains(engine)
	if err != nil {
		return nil, err
	}
	var report audit.Report
	tables := make(map[audit.Table]bool)
	for _, c := range all {
		doors := c.doors()
		for _, d := range doors {
			if t, ok := d.(audit.Table); ok {
				tables[t] = true
			}
		}
		report = append(report, c.route(doors))
	}
	report.Sort()
	errs := []error{report.Open(runtimePatterns(open)...)}
	errs = append(errs, report.Err())
	for t := range tables {
		errs = append(errs, report.Unused(t, nil))
	}
	return report, errors.Join(errs...)
}

func (c chain) route(doors []audit.Door) audit.Route {
	r := audit.RouteBehind(c.method, runtimePattern(c.pattern), doors...)
	if c.name != "" {
		r.Method, r.Pattern = "*", c.name
	}
	return r
}

// doors are those of the chain that something stands behind.
func (c chain) doors() (found []audit.Door) {
	for i, h := range c.handlers {
		if codeOf(h) != codeOfDoors {
			continue
		}
		if c.name == "" && i == len(c.handlers)-1 {
			continue
		}
		found = append(found, inspect(h))
	}
	return found
}

var codeOfDoors = codeOf(new(door).asGin())

// inspection is the Writer of a Context that belongs to no request. Nothing
// outside of this package can make one.
type inspection struct {
	gin.ResponseWriter
	door audit.Door
}

func inspect(h gin.HandlerFunc) audit.Door {
	i := &inspection{}
	h(&gin.Context{Writer: i})
	return i.door
}
