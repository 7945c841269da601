package connectauth

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sallyport-go/sallyport/adapters/audit"
)

// Procedures returns the procedures of services, for [Audit]: of those whose code is
// generated, each descriptor is one of the Services of a File_..._proto variable.
func Procedures(services ...protoreflect.ServiceDescriptor) []string {
	var procedures []string
	for _, service := range services {
		methods := service.Methods()
		for i := range methods.Len() {
			procedures = append(procedures, fmt.Sprintf("/%s/%s", service.FullName(), methods.Get(i).Name()))
		}
	}
	return procedures
}

// Audit reports of every procedure what a call must bring, and returns an error if
// one was forgotten: if no entry of the table decides about it, or if the Guard is
// in shadow mode. Entries that decide about no procedure are errors too, and so is
// a procedure that is no name of one, or none at all. The report comes with the
// error.
//
//	report, err := connectauth.Audit(enforce(mux), connectauth.Procedures(services...)...)
//	if err != nil {
//		t.Fatal(err)
//	}
//	t.Log(report)
//
// handler is what the middleware of [Enforce] returned; any other is an error. Audit
// serves no request. It belongs into tests.
func Audit(handler http.Handler, procedures ...string) (audit.Report, error) {
	e, ok := handler.(*enforcer)
	if !ok {
		return nil, fmt.Errorf("connectauth: Audit: %T is no handler of Enforce", handler)
	}
	if len(procedures) == 0 {
		return nil, errors.New("connectauth: Audit: no procedures")
	}
	var (
		report audit.Report
		errs   []error
		used   = make(map[*bound]bool)
	)
	for _, procedure := range slices.Compact(slices.Sorted(slices.Values(procedures))) {
		if !isKey(procedure) || strings.HasSuffix(procedure, "*") {
			errs = append(errs, fmt.Errorf("audit: %q is no procedure", procedure))
			continue
		}
		b := e.find(procedure)
		access, ruled := e.requires(b)
		if !ruled {
			errs = append(errs, fmt.Errorf("audit: no rule protects POST %s (it requires %s)", procedure, access))
			access = "FORGOTTEN: " + access
		}
		used[b] = true
		report = append(report, audit.Route{Method: http.MethodPost, Pattern: procedure, Access: access})
	}
	for _, key := range slices.Sorted(maps.Keys(e.entries)) {
		if !used[e.entries[key]] {
			errs = append(errs, fmt.Errorf("audit: the entry %q of the policy names no procedure", key))
		}
	}
	return report, errors.Join(errs...)
}

// requires returns in words what the entry asks for, and whether that was decided.
func (e *enforcer) requires(b *bound) (access string, ruled bool) {
	switch {
	case b == nil:
		if access, closed := ask(e.none); !closed { // in shadow mode
			return access, false
		}
		return "nobody, for no entry of the policy names it", false
	case b.exempt:
		return "open to everybody", true
	default:
		return ask(b.door)
	}
}

// ask asks a handler of a Guard; package audit documents the method.
func ask(h http.Handler) (access string, ruled bool) {
	door, ok := h.(interface {
		Requires(method, pattern string) (access string, ruled bool)
	})
	if !ok {
		return "what a Guard wants that does not say so", false
	}
	return door.Requires(http.MethodPost, "")
}
