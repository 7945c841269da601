package ginauth_test

import (
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// Gin calls two routes by one name where one has a colon and the other a
// parameter. The entry of the one does not open the other.
func TestAColonAndAParameterAreTwoRoutes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		exempt   string
		routes   []string
		statuses map[string]int // of paths without a token
	}{
		{"a colon is exempt", `/jobs/run\:all`, []string{`/jobs/run\:all`, "/jobs/run:all"}, map[string]int{"/jobs/run:all": 200, "/jobs/runsecret": 401}},
		{"a parameter is exempt", `/jobs/run:all`, []string{`/jobs/run\:all`, "/jobs/run:all"}, map[string]int{"/jobs/run:all": 401, "/jobs/runx": 200}},
		{"a colon at the start", `/\:all`, []string{`/\:all`, "/:all"}, map[string]int{"/:all": 200, "/secret": 401}},
		{"a parameter at the start", `/:all`, []string{`/\:all`, "/:all"}, map[string]int{"/:all": 401, "/x": 200}},
		{"a colon behind a parameter", `/:id/run\:all`, []string{`/:id/run\:all`, "/:id/run:all"}, map[string]int{"/7/run:all": 200, "/7/runx": 401}},
		{"two colons", `/a\:b\:c`, []string{`/a\:b\:c`, `/a\:b:c`}, map[string]int{"/a:b:c": 200, "/a:bsecret": 401}},
		{"a colon and a parameter of one name", `/:all/run\:all`, []string{`/:all/run\:all`}, map[string]int{"/x/run:all": 200}},
		{"a colon in front of a catch-all", `/run\:x/*rest`, []string{`/run\:x/*rest`, "/walk:x/*rest"}, map[string]int{"/run:x/a/b": 200, "/walkx/a": 401}},
		{"parameters alone", `/:a/:b`, []string{"/:a/:b"}, map[string]int{"/x/y": 200}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			e := gin.New()
			e.Use(enforce(t, kit.Guard(middleware.Config{}), ginauth.Policy{Exempt: []string{"GET " + row.exempt}}))
			var n reached
			for _, route := range row.routes {
				e.GET(route, n.handler)
			}
			for path, status := range row.statuses {
				assert.Equal(t, status, kit.Code(e, "GET", path, ""), path)
			}
		})
	}
}

// What a middleware adds to the parameters of a request takes nothing away.
func TestAParameterThatIsAddedChangesNoEntry(t *testing.T) {
	t.Parallel()
	var n reached
	e := gin.New()
	e.Use(func(c *gin.Context) { c.AddParam("tenant", "acme") },
		enforce(t, kit.Guard(middleware.Config{}), ginauth.Policy{Rules: map[string]claims.Rule{"/orders/:id": kit.Reads()}}))
	e.GET("/orders/:id", n.handler)
	assert.Equal(t, 200, kit.Code(e, "GET", "/orders/7", kit.Reader))
}

func TestATableRefusesPatternsOfOneName(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]ginauth.Policy{
		"among exemptions":   {Exempt: []string{"/run:all", `/run\:all`}},
		"in two of its maps": {Rules: map[string]claims.Rule{"/run:all": kit.Reads()}, Exempt: []string{`/run\:all`}},
		"among levels":       {Access: map[string]claims.AccessLevels{"/run:all": kit.Orders(), `/run\:all`: kit.Orders()}},
	} {
		_, err := ginauth.Enforce(kit.Guard(middleware.Config{}), p)
		assert.EqualError(t, err, `ginauth: Policy: pattern "/run\\:all": stands there twice, also as "/run:all": Gin calls both by one name`, name)
	}
}

func TestTheAuditReportsRoutesOfOneName(t *testing.T) {
	t.Parallel()
	h := never(t)
	e := gin.New()
	e.Use(enforce(t, kit.Guard(middleware.Config{}), ginauth.Policy{Rules: map[string]claims.Rule{`/jobs/run\:all`: kit.Reads(), "/other": kit.Reads()}}))
	e.GET(`/jobs/run\:all`, h)
	e.GET("/jobs/run:all", h)
	e.POST(`/other`, h)
	const want = "audit: no rule protects GET /jobs/run:all (it requires nobody, for no entry of the policy names it)\n" +
		`audit: GET /jobs/run\:all and GET /jobs/run:all are two routes that Gin calls by one name`
	report, err := ginauth.Audit(e)
	assert.EqualError(t, err, want)
	assert.Len(t, report, 3)
	assert.Equal(t, 401, kit.Code(e, "GET", "/jobs/run:all", ""))
	_, err = ginauth.Audit(e)
	assert.EqualError(t, err, want, "Gin has served, and rewritten its tree")
	_, err = ginauth.Audit(e, "GET /jobs/run:all")
	assert.ErrorContains(t, err, "two routes")
}
