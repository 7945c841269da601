package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTheTextsOfOurModulesAreKnown(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), []string{"-module", "../.."}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{`github\.com/lestrrat-go/jwx/v2 v\S+ +MIT +linked`, `golang\.org/x/sync v\S+ +BSD-3-Clause +linked`, `go\.uber\.org/goleak v\S+ +MIT +tests`} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
}

func TestALicenseIsKnownByItsWords(t *testing.T) {
	t.Parallel()
	const mit = "Permission is hereby granted, free of charge, to any person.\nThe above copyright notice\nand this permission notice shall be included."
	const bsd = "Redistribution and use in source and binary forms are permitted.\nRedistributions in binary form must reproduce this."
	for name, row := range map[string]struct{ text, want string }{
		"Apache":                        {"Apache License\n  Version 2.0, January 2004", "Apache-2.0"},
		"MIT, wrapped":                  {mit, "MIT"},
		"BSD of two clauses":            {bsd, "BSD-2-Clause"},
		"BSD of three clauses":          {bsd + "\nNeither the name of Google", "BSD-3-Clause"},
		"ISC":                           {"Permission to use, copy, modify, and distribute this software for any purpose with or without fee", "ISC"},
		"GPL":                           {"GNU GENERAL PUBLIC LICENSE Version 3", ""},
		"MIT in one, MPL in other part": {mit + " Mozilla Public License Version 2.0", ""},
		"nothing":                       {"", ""},
		"somebody's own":                {"You may use this on Sundays.", ""},
	} {
		if got := licenseOf(row.text); got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}

func TestAModuleWithoutAKnownLicenseFails(t *testing.T) {
	t.Parallel()
	const isc = "Permission to use, copy, modify, and distribute this software for any purpose with or without fee"
	module := func(texts map[string]string) string {
		dir := t.TempDir()
		for name, text := range texts {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	var out strings.Builder
	err := report(&out, nil, map[string]string{
		"example.org/empty v1": module(nil),
		"example.org/own v1":   module(map[string]string{"LICENSE.md": "You may use this on Sundays."}),
		"example.org/parts v1": module(map[string]string{"LICENSE": isc, "LICENSE-vendored": "GNU GENERAL PUBLIC LICENSE Version 3"}),
		"example.org/both v1":  module(map[string]string{"LICENSE": isc, "LICENSE-2": "Apache License Version 2.0, January 2004"}),
	})
	if !regexp.MustCompile(`example\.org/both v1 +ISC, Apache-2\.0 +tests`).MatchString(out.String()) {
		t.Errorf("two licenses that ask for a notice: %s", out.String())
	}
	for _, want := range []string{"example.org/empty v1: ships no license text", "example.org/own v1: LICENSE.md is none of", "example.org/parts v1: LICENSE-vendored is none of"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
}
