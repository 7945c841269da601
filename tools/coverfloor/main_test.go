package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Two packages at 90 % and 50 %, and a block that two test binaries report.
const profile = `mode: set
example.org/m/claims/a.go:1.1,2.2 9 1
example.org/m/claims/b.go:1.1,2.2 1 0
example.org/m/internal/jose/a.go:1.1,2.2 2 0
example.org/m/internal/jose/a.go:1.1,2.2 2 7
example.org/m/internal/jose/a.go:3.1,4.2 2 0
example.org/m/cmd/x/main.go:3.1,4.2 2 0
`

func TestRun(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		profile string
		args    []string
		want    string // in the error; empty: passes
	}{
		"a package at the floor passes":            {profile, []string{"claims"}, ""},
		"a package below the floor fails":          {profile, []string{"claims", "internal/..."}, "internal/jose: 50.0 % of its statements are covered, at least 90 % must be"},
		"a block counts once":                      {profile, []string{"-floor", "50", "internal/jose"}, ""},
		"a package that was not measured fails":    {profile, []string{"jwks"}, "jwks: no statement of it was measured"},
		"a name is not a prefix":                   {profile, []string{"claim"}, "claim: no statement of it was measured"},
		"an empty profile fails":                   {"mode: set\n", []string{"claims"}, "claims: no statement of it was measured"},
		"something else than a profile fails":      {"hello\n", []string{"claims"}, `line "hello" is not a cover profile's`},
		"a profile with a wrong count fails":       {"a.go:1.1,2.2 x 1\n", []string{"claims"}, `line "a.go:1.1,2.2 x 1" is not a cover profile's`},
		"to name no package at all is a wrong use": {profile, nil, "name the packages that must hold the floor"},
		"every package below the floor is named":   {profile, []string{"cmd/...", "internal/..."}, "cmd/x: 0.0 %"},
		"an unknown flag is an error, not a pass":  {profile, []string{"-bogus", "claims"}, "flag provided but not defined"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "coverage.out")
			if err := os.WriteFile(file, []byte(row.profile), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err := run(append([]string{"-profile", file, "-module", "example.org/m"}, row.args...), &out)
			switch {
			case row.want == "" && err != nil:
				t.Errorf("want it to pass, got %v", err)
			case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
				t.Errorf("want an error with %q, got %v", row.want, err)
			}
		})
	}
}

func TestRunPrintsEveryPackage(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "coverage.out")
	if err := os.WriteFile(file, []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run([]string{"-profile", file, "-module", "example.org/m", "claims"}, &out); err != nil {
		t.Fatal(err)
	}
	const want = "*  90.0 %  claims\n    0.0 %  cmd/x\n   50.0 %  internal/jose\n* must hold 90 %\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
