package main

import "strings"

// permissive are the licenses that ask for a notice and no more, each by words that only its text has.
var permissive = []struct {
	name  string
	words []string
	not   string
}{
	{"Apache-2.0", []string{"apache license version 2.0, january 2004"}, ""},
	{"BSD-3-Clause", []string{"redistribution and use in source and binary forms", "neither the name"}, ""},
	{"BSD-2-Clause", []string{"redistribution and use in source and binary forms", "redistributions in binary form must reproduce"}, "neither the name"},
	{"MIT", []string{"permission is hereby granted, free of charge", "the above copyright notice and this permission notice"}, ""},
	{"ISC", []string{"permission to use, copy, modify, and distribute this software for any purpose with or without fee"}, ""},
}

// reciprocal are words of licenses that ask for more, wherever they stand: a text with both is not permissive.
var reciprocal = []string{"gnu general public license", "gnu lesser general public license", "gnu affero", "mozilla public license", "eclipse public license", "server side public license"}

// licenseOf recognises a text, "" if it is none of the permissive ones.
func licenseOf(text string) string {
	words := strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, more := range reciprocal {
		if strings.Contains(words, more) {
			return ""
		}
	}
	for _, l := range permissive {
		found := l.not == "" || !strings.Contains(words, l.not)
		for _, w := range l.words {
			found = found && strings.Contains(words, w)
		}
		if found {
			return l.name
		}
	}
	return ""
}
