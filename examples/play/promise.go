package main

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// promise is what the documentation says that the answer to a call is.
type promise struct {
	status int
	code   string // error of the challenge (RFC 6750, section 3.1), "" for none
	scope  string // scope of the challenge, "" for none
	reason string // in the API's log, "" if the call is let through
}

// What can be promised.
func accepted(status int) promise { return promise{status: status} }

func noToken() promise { return promise{status: http.StatusUnauthorized, reason: "no_token"} }

func badToken(reason string) promise {
	return promise{status: http.StatusUnauthorized, code: "invalid_token", reason: reason}
}

func lacks(level string) promise {
	return promise{status: http.StatusForbidden, code: "insufficient_scope", scope: level, reason: "insufficient_scope"}
}

func noKeys() promise {
	return promise{status: http.StatusServiceUnavailable, reason: "keys_unavailable"}
}

// differences says where an answer is not as promised, one line each.
func (p promise) differences(a answer) []string {
	var out []string
	differs := func(what string, want, got any) {
		out = append(out, fmt.Sprintf("%s: promised %v, got %v", what, want, got))
	}
	if a.status != p.status {
		differs("status", p.status, a.status)
	}
	challenges := a.header.Values("WWW-Authenticate")
	if want := p.challenges(); len(challenges) != want {
		differs("challenges", want, len(challenges))
	}
	challenge := a.header.Get("WWW-Authenticate")
	if challenge != "" && !strings.HasPrefix(challenge, "Bearer ") {
		differs("challenge", "Bearer", "another scheme")
	}
	if got := param(challenge, "error"); got != p.code {
		differs("error", quoted(p.code), quoted(got))
	}
	if got := param(challenge, "scope"); got != p.scope {
		differs("scope", quoted(p.scope), quoted(got))
	}
	if got := a.header.Get("Retry-After"); (got != "") != (p.status == http.StatusServiceUnavailable) {
		differs("Retry-After", p.status == http.StatusServiceUnavailable, quoted(got))
	}
	if want := p.reasons(); !slices.Equal(a.reasons, want) {
		differs("in the log", want, a.reasons)
	}
	return out
}

// challenges is how many there are: none where the caller's token is not to
// blame.
func (p promise) challenges() int {
	if p.status == http.StatusUnauthorized || p.status == http.StatusForbidden {
		return 1
	}
	return 0
}

func (p promise) reasons() []string {
	if p.reason == "" {
		return nil
	}
	return []string{p.reason}
}

func quoted(s string) string {
	if s == "" {
		return "none"
	}
	return fmt.Sprintf("%q", s)
}

// param reads a parameter of a challenge. The values that are promised hold no
// quotes.
func param(challenge, name string) string {
	found := regexp.MustCompile(`^Bearer (?:.*, )?` + name + `="([^"]*)"`).FindStringSubmatch(challenge)
	if found == nil {
		return ""
	}
	return found[1]
}
