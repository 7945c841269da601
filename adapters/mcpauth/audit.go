package mcpauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-go/sallyport/adapters/audit"
)

// Audit reports what a message for each method, tool and prompt of a server must
// bring, and returns an error if one was forgotten: if no entry of the table decides
// about it, so that it is refused.
//
//	report, err := table.Audit(ctx, server)
//	if err != nil {
//		t.Fatal(err)
//	}
//	t.Log(report)
//
// In the report the method is that of the protocol, the pattern is the name, or "*"
// for every other one. Methods of mcp.AddReceivingCustomMethod are not listed by a
// server: name them in custom. Entries of the table that name no method, tool, prompt
// or resource are errors too. The report comes with the error, unless the server
// could not be asked.
//
// Audit belongs into tests, after all is registered. It asks the server over a
// connection in memory, past the table; other middleware of the server runs.
func (t *Table) Audit(ctx context.Context, server *mcp.Server, custom ...string) (audit.Report, error) {
	if t == nil || t.guard == nil {
		return nil, errors.New("mcpauth: Audit: this Table was not made by New")
	}
	found, err := inspect(ctx, server)
	if err != nil {
		return nil, fmt.Errorf("mcpauth: Audit: the server could not be asked: %w", err)
	}
	for _, method := range custom {
		found = append(found, entry{method: method})
	}
	return t.report(found)
}

func (t *Table) report(asked []entry) (audit.Report, error) {
	slices.SortFunc(asked, func(a, b entry) int {
		return cmp.Or(strings.Compare(a.method, b.method), strings.Compare(a.name, b.name))
	})
	var report audit.Report
	var errs []error
	used := map[entry]bool{}
	for _, one := range slices.Compact(asked) {
		at, ok := t.find(one.method, one.name, true)
		used[at], used[entry{method: one.method}] = true, true // the entry for all others is for what comes later too
		access, ruled := t.requires(at, ok)
		if !ruled {
			errs = append(errs, fmt.Errorf("audit: no rule protects %s (it requires %s)", one, access))
			access = "FORGOTTEN: " + access
		}
		report = append(report, audit.Route{Method: one.method, Pattern: cmp.Or(one.name, "*"), Access: access})
	}
	return report, errors.Join(append(errs, t.unused(used)...)...)
}

func (t *Table) requires(at entry, ok bool) (access string, ruled bool) {
	if !ok {
		if t.inShadow() {
			return "nothing, for the Guard is in shadow mode", false
		}
		return "nobody, for no entry of the table names it", false
	}
	return ask(t.doors[at])
}

// unused lists the entries that decide about nothing: misspelt ones, and those of
// tools that are gone.
func (t *Table) unused(used map[entry]bool) (errs []error) {
	for at := range t.rules {
		if !used[at] && !slices.Contains(plumbing, at.method) {
			errs = append(errs, fmt.Errorf("audit: the entry %q of the table names nothing that the server has", at))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}

// ask returns what the handlers of a Guard say that they require.
func ask(door func(http.Handler) http.Handler) (access string, ruled bool) {
	h, ok := door(http.NotFoundHandler()).(requirer)
	if !ok {
		return "what a Guard wants that does not say so", false
	}
	return h.Requires(http.MethodPost, "")
}
