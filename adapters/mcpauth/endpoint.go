package mcpauth

import (
	"net/http"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// endpoint is the handler of a table: the Guard outside, the SDK inside.
type endpoint struct {
	table          *Table
	sdk            http.Handler
	stateless      bool
	doors          map[entry]http.Handler
	any, all, none http.Handler
}

// ServeHTTP chooses the rule that is asked for before the body is read. All else is
// judged inside, as the SDK has decoded it.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.door(r).ServeHTTP(w, r) }

// Requires returns in words what a request must bring, for the audits of routers.
func (e *endpoint) Requires(string, string) (access string, ruled bool) {
	if e.table.inShadow() {
		return "nothing, for the Guard is in shadow mode", false
	}
	return "what the table of mcpauth says of the message", true
}

// The headers of the protocol.
const (
	versionHeader = "Mcp-Protocol-Version"
	methodHeader  = "Mcp-Method"
	nameHeader    = "Mcp-Name"
)

// firstWithHeaders is the first version of the protocol whose requests name method
// and name in headers. The SDK compares them with the body from this version on, and
// never those of a batch.
//
// https://modelcontextprotocol.io/seps/2243-http-standardization
const firstWithHeaders = "2026-07-28"

var knownVersions = mcp.SupportedProtocolVersions()

// door returns what a request has to pass before its body is read: of a message that
// is named by headers which the SDK will compare, its own rule; of one whose headers
// can be read in two ways, all rules of the table at once; of any other, which is
// judged inside alone, any token.
func (e *endpoint) door(r *http.Request) http.Handler {
	if r.Method != http.MethodPost {
		return e.any // a stream or the end of a session, which belongs to its caller
	}
	versions := r.Header[versionHeader]
	switch {
	case len(versions) == 0:
		return e.any
	case len(versions) > 1 || !slices.Contains(knownVersions, versions[0]):
		return e.all
	case versions[0] < firstWithHeaders:
		return e.any
	}
	methods, names := r.Header[methodHeader], r.Header[nameHeader]
	if len(methods) != 1 || len(names) > 1 || named[methods[0]] && len(names) == 0 {
		return e.all
	}
	name := ""
	if len(names) == 1 && named[methods[0]] {
		name = names[0]
	}
	at, ok := e.table.find(methods[0], name, name != "")
	if !ok {
		return e.none
	}
	return e.doors[at]
}

// serve serves a request that has passed a door.
func (e *endpoint) serve(w http.ResponseWriter, r *http.Request) {
	guard := e.table.guard
	admitted, who, err := guard.Check(r, e.identified())
	if err != nil {
		guard.Deny(w, r, err)
		return
	}
	if who == nil && !e.table.inShadow() { // no Guard of ours
		guard.Deny(w, r, nil)
		return
	}
	c := e.table.newCall(admitted, who)
	inside := admitted.WithContext(withTokenInfo(admitted.Context(), c.info))
	if r.Method != http.MethodPost {
		e.sdk.ServeHTTP(w, inside)
		return
	}
	c.answer = newHeld(w)
	if inside.Body != nil {
		inside.Body = &firstByte{ReadCloser: inside.Body, batch: c.admitBatch}
	}
	defer c.answer.end() // a judgement that comes later, or after a panic, writes nothing
	e.sdk.ServeHTTP(c.answer, inside)
	if err := c.answer.finish(); err != nil {
		guard.Deny(w, admitted, err)
	}
}
