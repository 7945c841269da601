package routed_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/routed"
)

func TestOverrides(t *testing.T) { // not parallel: it counts allocations
	for name, row := range map[string]struct {
		header http.Header
		want   []string
	}{
		"no header":            {http.Header{"X-Http-Method-Overrides": {"DELETE"}}, nil},
		"each of them":         {http.Header{"X-Http-Method-Override": {" delete"}, "X-Http-Method": {"PUT"}, "X-Method-Override": {"Patch\t"}}, []string{"DELETE", "PUT", "PATCH"}},
		"an empty one":         {http.Header{"X-Http-Method": {""}}, []string{""}},
		"one of several lines": {http.Header{"X-Http-Method": {"GET", "DELETE"}}, []string{"GET", "DELETE"}},
		"one without an end":   {http.Header{"X-Http-Method": make([]string, 100_000)}, []string{"", "", "", "", "?"}},
	} {
		assert.Equal(t, row.want, routed.Overrides(row.header), name)
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { routed.Overrides(http.Header{}) }))
}
