//go:build slow

package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheAttackFindsNothing has sallyport attack start this program and try it with all that it knows, faults of the
// issuer and a cold start included.
func TestTheAttackFindsNothing(t *testing.T) {
	t.Parallel()
	sallyport := filepath.Join(t.TempDir(), "sallyport")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", sallyport, "./cmd/sallyport")
	build.Dir = filepath.Join("..", "..")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	for _, framework := range []string{"nethttp", "gin", "chi"} {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			addr, program := testkit.FreeAddr(t), testkit.Program(t)
			var out, errs bytes.Buffer
			attack := exec.CommandContext(t.Context(), sallyport, "attack", "-json", "-faults", "-url", "http://"+addr+"/orders", "-audience", "api://orders", "-claim", "scope=get",
				"--", "sh", "-c", `exec "$0" -framework "$1" -addr "$2" -issuer "$SALLYPORT_ISSUER" -audience "$SALLYPORT_AUDIENCE"`, program.Path, framework, addr)
			attack.Env, attack.Stdout, attack.Stderr = program.Env, &out, &errs
			require.NoError(t, attack.Run(), "%s%s", &out, &errs)
			var report struct {
				Tried             int
				Findings, Skipped []map[string]any
			}
			require.NoError(t, json.Unmarshal(out.Bytes(), &report))
			assert.Empty(t, report.Findings)
			assert.Greater(t, report.Tried, 580, "faults and the cold start are among them")
			for _, s := range report.Skipped {
				assert.Contains(t, s["why"], "no request can carry it")
			}
		})
	}
}
