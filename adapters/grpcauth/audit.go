package grpcauth

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/grpc"

	"github.com/sallyport-go/sallyport/adapters/audit"
)

// Audit reports of every method of a server what a call must bring, and returns an
// error if a method was forgotten: if no entry of the policy names it, so that every
// call is refused. Entries that name no method are errors too, and so is a Guard in
// shadow mode. The report comes with the error.
//
//	report, err := auth.Audit(server.GetServiceInfo())
//	if err != nil {
//		t.Fatal(err)
//	}
//	t.Log(report)
//
// It belongs into tests, after all services are registered. It calls nothing.
func (i *Interceptor) Audit(services map[string]grpc.ServiceInfo) (audit.Report, error) {
	t := i.orZero().table
	var report audit.Report
	var errs []error
	used := map[*entry]bool{}
	for _, full := range methodsOf(services) {
		e := t.find(full)
		used[e] = true
		access, ruled := e.requires(full)
		switch {
		case !ruled:
			errs = append(errs, fmt.Errorf("audit: no rule protects POST %s (it requires %s)", full, access))
			access = "FORGOTTEN: " + access
		case e.exempt:
			access = "open to everybody"
		}
		report = append(report, audit.Route{Method: "POST", Pattern: full, Access: access})
	}
	for _, key := range slices.Sorted(maps.Keys(t.entries)) {
		if !used[t.entries[key]] {
			errs = append(errs, fmt.Errorf("audit: the entry %q of the policy names no method", key))
		}
	}
	return report, errors.Join(errs...)
}

// requires returns in words what an entry wants of a method, and whether that was
// decided.
func (e *entry) requires(full string) (access string, ruled bool) {
	if e.exempt {
		return "", true
	}
	if e.door == nil {
		return "what a Guard wants that does not say so", false
	}
	access, ruled = e.door.Requires("POST", full)
	if ruled && e.key == "" {
		return "nobody, for no entry of the policy names it", false
	}
	return access, ruled
}

// methodsOf returns the full methods of services, sorted.
func methodsOf(services map[string]grpc.ServiceInfo) (found []string) {
	for service, info := range services {
		for _, m := range info.Methods {
			found = append(found, "/"+service+"/"+m.Name)
		}
	}
	slices.Sort(found)
	return found
}
