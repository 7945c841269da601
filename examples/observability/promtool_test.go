package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// promtool runs the program that checks rules; Debian has it in the package
// prometheus.
func promtool(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	path, missing := exec.LookPath("promtool")
	if missing != nil {
		require.Empty(t, os.Getenv("NEEDS_PROMTOOL"), "promtool is missing: install the package prometheus")
		t.Skip("promtool is missing: install the package prometheus") //nolint:forbidigo // .ci/run has it, and fails without
	}
	command := exec.CommandContext(t.Context(), path, args...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err = command.Run()
	return out.String(), err
}

// sample is one value of a query.
type sample struct {
	at     time.Duration
	labels map[string]string
	value  float64
}

var (
	failedQuery = regexp.MustCompile(`expr: "(.*)", time: (?:(\d+)d)?(\w*),\s*exp: nil\s*got: (.*)`)
	gotSample   = regexp.MustCompile(`(\w*)\{([^}]*)\} ([-+0-9.E]+)`)
	gotLabel    = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// evaluate has promtool evaluate the rules and then queries about what was
// recorded. promtool only compares, so each query is said to have no result: what
// it then reports as found is the answer.
func evaluate(t *testing.T, r *recording, queries []string, at []time.Duration) map[string][]sample {
	t.Helper()
	var file bytes.Buffer
	rules, err := filepath.Abs("rules.yml")
	require.NoError(t, err)
	fmt.Fprintf(&file, "rule_files: [%s]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n", quoted(rules))
	r.write(&file)
	fmt.Fprintln(&file, "  promql_expr_test:")
	for _, query := range queries {
		for _, when := range at {
			fmt.Fprintf(&file, "  - {expr: %s, eval_time: %dm}\n", quoted(query), int(when.Minutes()))
		}
	}
	path := filepath.Join(t.TempDir(), "day.yml")
	require.NoError(t, os.WriteFile(path, file.Bytes(), 0o600))
	output, _ := promtool(t, "test", "rules", path)
	out := map[string][]sample{}
	for _, found := range failedQuery.FindAllStringSubmatch(output, -1) {
		query := strings.ReplaceAll(found[1], `\"`, `"`)
		when := duration(t, found[2], found[3])
		for _, s := range gotSample.FindAllStringSubmatch(found[4], -1) {
			value, err := strconv.ParseFloat(s[3], 64)
			require.NoError(t, err)
			labels := map[string]string{}
			for _, l := range gotLabel.FindAllStringSubmatch(s[2], -1) {
				labels[l[1]] = l[2]
			}
			out[query] = append(out[query], sample{when, labels, value})
		}
	}
	require.NotEmpty(t, out, output[:min(len(output), 2000)])
	return out
}

// duration reads what promtool writes as 1d2h30m.
func duration(t *testing.T, days, rest string) time.Duration {
	t.Helper()
	var d time.Duration
	if days != "" {
		n, err := strconv.Atoi(days)
		require.NoError(t, err)
		d = time.Duration(n) * 24 * time.Hour
	}
	if rest == "" {
		return d
	}
	more, err := time.ParseDuration(rest)
	require.NoError(t, err)
	return d + more
}
