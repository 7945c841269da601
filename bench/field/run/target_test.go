package run_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/bench/field/drivers"
	"github.com/sallyport-go/sallyport/bench/field/run"
)

// attacker is a program that does as sallyport does: it prints a report and ends with a status. It notes how it was called.
func attacker(t *testing.T, report, status string) (program, dir string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "targets"), 0o700))
	program = filepath.Join(dir, "attacker")
	script := "#!/bin/sh\nfor a in \"$@\"; do echo \"$a\"; done >args\ncat <<'END'\n" + report + "\nEND\necho said >&2\nexit " + status + "\n"
	require.NoError(t, os.WriteFile(program, []byte(script), 0o700))
	return program, dir
}

const report = `{"tried":9,"findings":[
	{"name":"nbf: in ten minutes","group":"times","level":"hole","section":"RFC 1","url":"u","status":200},
	{"name":"aud: secret","group":"aud","level":"confusion","section":"RFC 2","url":"u","status":200},
	{"name":"crit: empty","group":"crit","level":"leniency","section":"RFC 3","url":"u","status":200},
	{"name":"size: x","group":"size","level":"outage","section":"RFC 4","url":"u","status":500},
	{"name":"size: y","group":"size","level":"outage","section":"RFC 4","url":"u","status":0}],
	"skipped":[{"name":"typ: x","why":"kinds"},{"name":"typ: y","why":"kinds"},{"name":"other","why":"no request can carry it"}]}`

func target() *run.Target {
	return &run.Target{
		Library: drivers.Library{Name: "server", Note: "A note."}, Command: "exec serve", VersionOf: "echo server version 2.6.12-1+deb12u3, of 2023",
		Left:   []run.Left{{drivers.Cases{"typ", "iat: beyond"}, "kinds"}, {drivers.Cases{"cnf"}, "bindings"}},
		Public: drivers.Cases{"nbf: in "},
	}
}

func TestATargetIsAttacked(t *testing.T) {
	t.Parallel()
	program, dir := attacker(t, report, "1")
	row, err := target().Run(context.Background(), program, dir)
	require.NoError(t, err)
	assert.Equal(t, []any{"2.6.12-1+deb12u3", 9, 2}, []any{row.Version, row.Tried, row.LeftToCaller})
	assert.Equal(t, "A note. Left to the caller: kinds; bindings.", row.Note)
	answers := map[string]run.Answer{}
	for _, f := range row.Findings {
		answers[f.Name] = f.Answer
	}
	assert.Equal(t, map[string]run.Answer{
		"nbf: in ten minutes": run.Accepted, "aud: secret": run.Held, "crit: empty": run.Accepted, "size: x": run.Accepted, "size: y": run.Crashed,
	}, answers, "what nobody looked at is held back, and what ended the server has crashed it")

	args, err := os.ReadFile(filepath.Join(dir, "targets", "args"))
	require.NoError(t, err)
	assert.Contains(t, string(args), "\n-skip\ntyp=kinds\n-skip\niat: beyond 64 bits=kinds\n-skip\niat: beyond a double=kinds\n-skip\ncnf=bindings\n--\n", "groups, and cases by the beginning of their names")
	assert.Contains(t, string(args), "\nsh\n-c\nexec serve\n")
	assert.Regexp(t, `\n-url\nhttp://127\.0\.0\.1:\d+/orders\n`, string(args))
}

func TestATargetThatCannotBeTried(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		version, report, status string
		missing                 bool
		err                     string
	}{
		"is not installed":              {"echo gone >&2; exit 1", report, "0", true, "gone"},
		"says no version":               {"echo unknown", report, "0", true, "unknown"},
		"does not start":                {"echo 1.2", "", "3", false, "exit status 3"},
		"has a version, and is gone":    {"echo 1.2; exit 1", report, "0", true, "1.2"},
		"ends before all is tried":      {"echo 1.2", `{"tried":1,"skipped":[{"name":"aud: x","why":"the API has ended"}]}`, "1", false, `not tried with "aud: x": the API has ended`},
		"is tried with nothing":         {"echo 1.2", `{"skipped":[{"name":"typ: x","why":"kinds"}]}`, "0", false, "with nothing"},
		"is attacked in the wrong way":  {"echo 1.2", "usage", "2", false, "exit status 2"},
		"has a report that is cut":      {"echo 1.2", "{", "1", false, "the report on server"},
		"has a report without findings": {"echo 1.2", `{"tried":1}`, "0", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, dir := attacker(t, row.report, row.status)
			server := target()
			server.VersionOf = row.version
			_, err := server.Run(context.Background(), program, dir)
			assert.Equal(t, row.missing, errors.Is(err, run.ErrMissing))
			if row.err == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, row.err)
			}
		})
	}
}
