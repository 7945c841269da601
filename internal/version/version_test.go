package version_test

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/version"
)

func TestIn(t *testing.T) {
	t.Parallel()
	dep := &debug.Module{Path: version.Module, Version: "v1.2.3"}
	other := &debug.Module{Path: "example.org/api", Version: "v9.9.9"}
	for name, row := range map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"as a dependency":       {&debug.BuildInfo{Main: *other, Deps: []*debug.Module{other, dep}}, "v1.2.3"},
		"as the main module":    {&debug.BuildInfo{Main: *dep}, "v1.2.3"},
		"in development":        {&debug.BuildInfo{Main: debug.Module{Path: version.Module, Version: "(devel)"}}, "devel"},
		"without any version":   {&debug.BuildInfo{Main: *other}, "devel"},
		"without a description": {nil, "devel"},
	} {
		assert.Equal(t, row.want, version.In(row.info), name)
	}
	assert.NotEmpty(t, version.Built())
}
