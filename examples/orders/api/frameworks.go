package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// A framework mounts the routes on a router of its own. Each is one small file:
// it says where the Guard stands, and nothing else. Handlers read the id by
// http.Request.PathValue, which a framework has to set.
type framework func(*API) http.Handler

var frameworks = map[string]framework{
	"chi":     chiRouter,
	"gin":     ginRouter,
	"nethttp": netHTTP,
}

// Frameworks names the routers that there are.
func Frameworks() []string { return slices.Sorted(maps.Keys(frameworks)) }

// CheckFramework says whether there is a framework of that name, and which
// there are if not.
func CheckFramework(name string) error {
	if _, ok := frameworks[name]; !ok {
		return fmt.Errorf("framework %q is not there: use one of %s", name, strings.Join(Frameworks(), ", "))
	}
	return nil
}
