package run_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/bench/field/drivers"
	"github.com/sallyport-go/sallyport/bench/field/run"
)

const (
	corpusDir = "../../../corpus"
	page      = "../../../docs/field.md"
)

func read(t *testing.T) *run.Corpus {
	t.Helper()
	c, err := run.Read(corpusDir)
	require.NoError(t, err)
	require.NotEmpty(t, c.Cases)
	return c
}

// TestThePageIsOfThisCorpusAndTheseLibraries asks the libraries in Go again.
func TestThePageIsOfThisCorpusAndTheseLibraries(t *testing.T) {
	t.Parallel()
	c := read(t)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	assert.NotZero(t, strings.Count(string(text), "the [corpus](../corpus/README.md) "+c.Version+" to libraries"), "the version of the corpus")
	for i := range drivers.All {
		d := &drivers.All[i]
		version := run.Version(mod, d.Module)
		assert.NotEmpty(t, version, d.Module)
		row, err := run.Compare(c, run.Row{Library: d.Library, Version: version}, run.Go(c, d))
		require.NoError(t, err)
		assert.NotZero(t, strings.Count(string(text), row.Line()+"\n"), "make field: the page has not %s", row.Line())
		assert.Less(t, len(row.Of("outage")), 60, "%s accepts good tokens", d.Name)
	}
}

// TestDriversAreSmall counts lines: who reads a driver must see what it does.
func TestDriversAreSmall(t *testing.T) {
	t.Parallel()
	counted := 0
	for _, pattern := range []string{"../drivers/*.go", "../npm/*.mjs", "../debian/*", "../targets/*.*", "../targets/*/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range files {
			if base := filepath.Base(name); base == "drivers.go" || strings.HasPrefix(base, "__") {
				continue
			}
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			counted++
			assert.LessOrEqual(t, bytes.Count(text, []byte("\n")), 60, name)
		}
	}
	assert.GreaterOrEqual(t, counted, len(drivers.All)+len(run.Processes)+len(run.Targets))
}

func corpusOf(cases ...run.Case) *run.Corpus { return &run.Corpus{Version: "9.9", Cases: cases} }

func TestCompare(t *testing.T) {
	t.Parallel()
	const edDSA = "eyJhbGciOiJFZERTQSJ9.e30.AA"
	c := corpusOf(
		run.Case{Name: "none: x", Group: "none", Verdict: "bad", Level: "hole"},
		run.Case{Name: "typ: x", Group: "typ", Verdict: "bad", Level: "confusion"},
		run.Case{Name: "good: x", Group: "good", Verdict: "good", Level: "outage"},
		run.Case{Name: "good: y", Group: "good", Verdict: "good", Level: "outage", Token: edDSA},
	)
	answers := func(all run.Answer) map[string]run.Answer {
		return map[string]run.Answer{"none: x": all, "typ: x": all, "good: x": all, "good: y": all}
	}
	for name, row := range map[string]struct {
		library           drivers.Library
		answer            run.Answer
		tried, left       int
		hole, conf, wrong int
	}{
		"all accepted":                    {drivers.Library{}, run.Accepted, 4, 0, 1, 1, 0},
		"all refused":                     {drivers.Library{}, run.Refused, 4, 0, 0, 0, 2},
		"a group is the caller's":         {drivers.Library{Caller: drivers.Cases{"typ"}}, run.Accepted, 3, 1, 1, 0, 0},
		"a name is the caller's":          {drivers.Library{Caller: drivers.Cases{"none: "}}, run.Accepted, 3, 1, 0, 1, 0},
		"good tokens are never left":      {drivers.Library{Caller: drivers.Cases{"good"}}, run.Refused, 4, 0, 0, 0, 2},
		"an algorithm is not implemented": {drivers.Library{Lacks: "EdDSA"}, run.Refused, 3, 0, 0, 0, 1},
		"it crashed":                      {drivers.Library{}, run.Crashed, 4, 0, 0, 0, 0},
	} {
		got, err := run.Compare(c, run.Row{Library: row.library}, answers(row.answer))
		require.NoError(t, err, name)
		assert.Equal(t, []int{row.tried, row.left, row.hole, row.conf, row.wrong},
			[]int{got.Tried, got.LeftToCaller, len(got.Of("hole")), len(got.Of("confusion")), len(got.Of("outage"))}, name)
		if row.answer == run.Accepted {
			assert.NoError(t, got.CheckSetUp(), name)
		} else {
			assert.ErrorContains(t, got.CheckSetUp(), "accepted no good token", name)
		}
		if row.answer == run.Crashed {
			assert.Len(t, got.Findings, 4, name)
		}
	}
	_, err := run.Compare(c, run.Row{Library: drivers.Library{Name: "x"}}, map[string]run.Answer{"none: x": run.Refused})
	assert.EqualError(t, err, `field: x did not answer the case "typ: x"`)
}

func TestALibraryThatPanicsOrIsSilentHasCrashed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		for want, check := range map[run.Answer]drivers.Check{
			run.Accepted: func(string) error { return nil },
			run.Refused:  func(string) error { return errors.New("no") },
			run.Crashed:  func(string) error { panic("x") },
			"silent":     func(string) error { <-release; return nil },
		} {
			if want == "silent" {
				want = run.Crashed
			}
			d := &drivers.Driver{New: func([]byte, *drivers.Policy) (drivers.Check, error) { return check, nil }}
			assert.Equal(t, map[string]run.Answer{"x": want}, run.Go(corpusOf(run.Case{Name: "x"}), d))
		}
		close(release)
	})
}

func TestThePageLeavesOutWhatIsForMaintainersFirst(t *testing.T) {
	t.Parallel()
	c := corpusOf()
	row := run.Row{Library: drivers.Library{Name: "lib", Page: "https://lib.example", Note: "A note."}, Version: "1.2.3", Tried: 9, LeftToCaller: 2, Findings: []run.Finding{
		{Case: run.Case{Name: "broke | here", Level: "hole", Section: "RFC 1"}, Answer: run.Crashed},
		{Case: run.Case{Name: "a|b", Level: "hole", Section: "RFC 2", URL: "https://rfc.example"}, Answer: run.Accepted},
		{Case: run.Case{Name: "x", Level: "leniency", Section: "RFC 3", URL: "u"}, Answer: run.Accepted},
		{Case: run.Case{Name: "x (ES256)", Level: "leniency", Section: "RFC 3", URL: "u"}, Answer: run.Accepted},
	}}
	server := run.Row{Library: drivers.Library{Name: "server", Page: "https://server.example"}, Version: "4.5", Tried: 8, Findings: []run.Finding{
		{Case: run.Case{Name: "held | back", Level: "hole", Section: "RFC 1"}, Answer: run.Held},
		{Case: run.Case{Name: "busy", Level: "outage", Section: "RFC 6750 3.1", URL: "u"}, Answer: run.Accepted},
	}}
	text := run.Page(c, []run.Row{row}, []run.Row{server}, []string{"other"})
	assert.Contains(t, text, "\n| [lib](https://lib.example) | 1.2.3 | 9 | 1 | 0 | 2 | 0 | 2 |\n")
	assert.Contains(t, text, "\n| Holes | [RFC 2](https://rfc.example) | a\\|b |\n")
	assert.Contains(t, text, "\n| Leniencies | [RFC 3](u) | x (2) |\n")
	assert.Contains(t, text, "\n**Not installed where this was run, and so not tried: other.**\n")
	assert.Contains(t, text, "### lib\nA note.\n")
	assert.Contains(t, text, "\n| [server](https://server.example) | 4.5 | 8 | 0 | 0 | 0 | 1 | 0 |\n")
	assert.Contains(t, text, "\n| Outages | [RFC 6750 3.1](u) | busy |\n")
	assert.NotContains(t, text, "broke")
	assert.NotContains(t, text, "held")
}

func TestProcess(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		command []string
		missing bool
		err     string
	}{
		"no such program":      {[]string{"no-such-program-of-ours"}, true, "not installed"},
		"no such library":      {[]string{"sh", "-c", "echo gone >&2; exit 1"}, true, "gone"},
		"it breaks off":        {[]string{"sh", "-c", `echo '{"version":"1"}'; exit 3`}, false, "exit status 3"},
		"what is no answer":    {[]string{"sh", "-c", "echo x"}, false, `wrote "x"`},
		"a version, an answer": {[]string{"sh", "-c", `echo '{"version":"1.2"}'; echo '{"name":"n","answer":"refused"}'`}, false, ""},
	} {
		p := run.Process{Library: drivers.Library{Name: "lib"}, Command: row.command}
		version, answers, err := p.Run(context.Background(), ".", corpusDir)
		assert.Equal(t, row.missing, errors.Is(err, run.ErrMissing), name)
		if row.err != "" {
			assert.ErrorContains(t, err, row.err, name)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, "1.2", version)
		assert.Equal(t, map[string]run.Answer{"n": run.Refused}, answers)
	}
}
