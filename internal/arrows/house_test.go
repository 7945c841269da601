package arrows_test

// Third-party code that some room may use. A module's path stands for every package in it.
const (
	jsonv2  = "github.com/go-json-experiment/json"
	jwx     = "github.com/lestrrat-go/jwx/v2"
	jwxNext = "github.com/lestrrat-go/jwx/v3"
	otel    = "go.opentelemetry.io/otel"
	otter   = "github.com/maypok86/otter/v2"
	xsync   = "golang.org/x/sync"
	gin     = "github.com/gin-gonic/gin"
	chi     = "github.com/go-chi/chi/v5"
)

// room is one package of the house, with all that its production files import, and no more: an arrow that nothing uses
// is a mistake of the table. A package's absence from it is one too: whoever adds a package decides here what it may know.
type room struct {
	dir     string
	ours    []string // packages of this module
	foreign []string // third-party code
	never   []string // parts of the standard library that have no business here
	unsafe  bool     // whether it may see bytes as a string without a copy
}

// house is the plan, from the leaves to the front door.
var house = []room{
	{dir: "reason", never: []string{"net/http"}},
	{dir: "internal/readme", foreign: []string{gin, chi}}, // tests alone
	{dir: "internal/arrows"},
	{dir: "internal/faults"},             // tests alone, of the house as a whole
	{dir: "internal/view", unsafe: true}, // the one room that sees bytes as a string without a copy
	{dir: "internal/strictjson", ours: []string{"internal/view"}, foreign: []string{jsonv2}, never: []string{"net/http"}},
	{
		dir:     "internal/jose", // the only room that knows jwx
		ours:    []string{"internal/strictjson", "internal/view"},
		foreign: []string{jsonv2, jwx},
		never:   []string{"net/http"},
	},
	{
		dir:     "claims", // what a verified token says: no HTTP, no keys, no telemetry
		ours:    []string{"reason", "internal/strictjson"},
		foreign: []string{jsonv2},
		never:   []string{"net/http"},
	},
	{
		dir:     "jwks", // where keys come from: knows no token and no rule
		ours:    []string{"internal/jose", "internal/strictjson"},
		foreign: []string{jsonv2, otel},
	},
	{
		dir:     "jwks/jwkstest", // for tests, ours and our users': production code stays away
		ours:    []string{"reason", "jwks"},
		foreign: []string{jsonv2},
	},
	{
		dir:     "verifier", // is this token good? It never sees a request
		ours:    []string{"reason", "claims", "jwks", "internal/jose", "internal/strictjson", "internal/view"},
		foreign: []string{jsonv2, otter, xsync},
		never:   []string{"net/http"},
	},
	{
		dir:     "middleware", // the Guard; knows no adapter
		ours:    []string{"reason", "claims", "verifier", "internal/view"},
		foreign: []string{jsonv2, otel},
	},
	{
		dir:  "providers", // plain configuration
		ours: []string{"claims", "verifier"},
	},
	{dir: "adapters/audit"}, // what audits of routers report: knows no router and no Guard
	{
		dir:  "adapters/internal/table",
		ours: []string{"claims", "adapters/audit"},
	},
	{
		dir:     "adapters/ginauth",
		ours:    []string{"claims", "adapters/audit", "adapters/internal/table"}, // of a Guard they know an interface
		foreign: []string{gin},
	},
	{
		dir:     "adapters/chiauth",
		ours:    []string{"claims", "adapters/audit", "adapters/internal/table"}, // of a Guard they know an interface
		foreign: []string{chi},
	},
	{
		dir:     "adapters", // tests that hold all frameworks against each other
		foreign: []string{gin, chi},
	},
	{
		dir:     ".", // the front door composes everything but the adapters
		ours:    []string{"claims", "jwks", "verifier", "middleware", "providers"},
		foreign: []string{otel},
	},
	{
		dir:  "cmd/sallyport",
		ours: []string{".", "reason", "jwks", "verifier", "providers"},
	},
}

// onlyInTests is third-party code that the tests of every room may use, beside what the room itself may.
// Between our own packages tests may go anywhere: the compiler already forbids them a cycle.
var onlyInTests = []string{
	"github.com/stretchr/testify",
	"go.uber.org/goleak",
	"go.opentelemetry.io/otel",
}
