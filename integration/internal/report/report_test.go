package report_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/report"
)

// tests are those of a package, which end with a code.
type tests struct {
	code int
	run  func()
}

func (m tests) Run() int {
	m.run()
	return m.code
}

func TestTooFewAreAFailureInCI(t *testing.T) {
	for _, row := range []struct {
		name string
		ci   string
		ran  []string
		code int
		want int
	}{
		{"as many as wanted", "true", []string{"a", "b"}, 0, 0},
		{"too few", "true", []string{"a"}, 0, 1},
		{"too few at home", "", []string{"a"}, 0, 0},
		{"none", "true", nil, 0, 1},
		{"a test failed", "", []string{"a", "b"}, 2, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("CI", row.ci)
			t.Setenv("INTEGRATION_REPORT", dir)
			r := report.New("servers", 2, "a", "b", "c")
			assert.Equal(t, row.want, r.Main(tests{row.code, func() {
				for _, name := range row.ran {
					r.Ran(name)
				}
			}}))
			text, err := os.ReadFile(filepath.Join(dir, "servers.txt"))
			require.NoError(t, err)
			assert.Equal(t, r.String(), string(text))
		})
	}
}

func TestTheTableSaysWhatIsMissingAndCounts(t *testing.T) {
	r := report.New("servers", 2, "a", "b", "c")
	r.Ran("a")
	skipped := false
	t.Run("b is not here", func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		r.Missing(t, "b", "no program b")
	})
	assert.True(t, skipped)
	assert.Equal(t, "  a                ran\n  b                not here: no program b\n  c                no test ran\nservers: 1 ran, 1 not here, 1 not asked for\n", r.String())
	r.Ran("b")
	assert.False(t, r.Enough(), "what was missing once does not count")
}
