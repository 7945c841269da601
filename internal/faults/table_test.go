package faults_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the measured table into "+document)

const (
	document   = "../../docs/faults.md"
	tableBegin = "<!-- measured: go test ./internal/faults -update -->\n"
	tableEnd   = "<!-- end of what is measured -->\n"
)

// measurement is one row of the table.
type measurement struct {
	group, name string
	outcome
}

// checkTable compares what was measured with what is written, or writes it.
func checkTable(t *testing.T, measured []measurement) {
	t.Helper()
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(text), tableBegin)
	require.True(t, ok, "%s has lost the mark where the table begins", document)
	written, tail, ok := strings.Cut(rest, tableEnd)
	require.True(t, ok, "%s has lost the mark where the table ends", document)
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(head+tableBegin+table(measured)+tableEnd+tail), 0o644))
		return
	}
	now, then := strings.Split(table(measured), "\n"), strings.Split(written, "\n")
	for _, line := range now {
		assert.True(t, slices.Contains(then, line), "measured, but not written in %s:\n%s", document, line)
	}
	assert.Len(t, then, len(now), "%s says something else than what was measured: see why, then run the test with -update", document)
}

func table(measured []measurement) string {
	var b strings.Builder
	b.WriteString("| fault | before the first load | known key | unknown kid | new key | recovers | events | `Status` | attempts |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	group := ""
	for i := range measured {
		m := &measured[i]
		if m.group != group {
			group = m.group
			fmt.Fprintf(&b, "| **%s** | | | | | | | | |\n", group)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | ≤ %d |\n",
			m.name, m.cold, m.known, m.unknown, m.newcomer, m.back, m.events, m.shows, m.attempts)
	}
	return b.String()
}
