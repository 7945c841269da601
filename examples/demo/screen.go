package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
)

// screen prints, one idea a line. It is safe for concurrent use.
type screen struct {
	w     io.Writer
	color bool

	mu sync.Mutex
}

// style is an SGR sequence (ECMA-48).
type style string

const (
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	purple style = "35"
	cyan   style = "36"
)

func (s *screen) in(st style, text string) string {
	if !s.color || text == "" {
		return text
	}
	return "\x1b[" + string(st) + "m" + text + "\x1b[0m"
}

func (s *screen) line(parts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.w, strings.TrimRight(strings.Join(parts, ""), " "))
}

func (s *screen) title(auth, api, framework string) {
	s.line("\n  ", s.in(bold, "Sallyport, the demo"))
	s.line("\n  issuers  ", s.in(cyan, auth), s.in(dim, "   three schemes, each with keys of its own"))
	s.line("  API      ", s.in(cyan, api), s.in(dim, "   orders, served by "+framework))
	s.line("  callers  ", s.in(dim, "all: get post put delete   reader: get   none: nothing"))
}

func (s *screen) act(n int, name, what string) {
	s.line("\n ", s.in(bold, fmt.Sprintf("%d  %s", n, name)), s.in(dim, "  "+what), "\n")
}

func (s *screen) say(text string) { s.line("    ", s.in(dim, text)) }

const hidden = "••••••••"

func (s *screen) curl(request devauth.TokenRequest) {
	text := strings.Join(request.Lines(), " \\\n  ")
	for line := range strings.SplitSeq(strings.ReplaceAll(text, `","`, `",`+"\n       \""), "\n") { // JSON is long
		s.line("    ", s.in(cyan, line))
	}
	s.line()
}

// answer is a request and what came back: the note, or where that is not as
// promised.
func (s *screen) answer(c call, a answer, note string, differences []string) {
	mark := s.in(green, "✓")
	if len(differences) > 0 {
		mark, note = s.in(red, "✗"), ""
	}
	code := "---"
	if a.status != 0 {
		code = fmt.Sprint(a.status)
	}
	s.line("    ", mark, " ", s.in(statusStyle(a.status), code), fmt.Sprintf("  %-9s  %-6s %-21s  ", c.who, c.method, c.path), s.in(dim, note))
	for _, name := range []string{"WWW-Authenticate", "Retry-After"} { // these make a refusal
		for _, value := range a.header.Values(name) {
			s.line("           ", s.in(dim, name+": "), s.in(yellow, value))
		}
	}
	for _, d := range differences {
		s.line("           ", s.in(red, d))
	}
}

func statusStyle(status int) style {
	switch {
	case status >= http.StatusInternalServerError:
		return purple
	case status >= http.StatusBadRequest:
		return yellow
	case status == 0:
		return red
	default:
		return green
	}
}

func (s *screen) summary(kept, broken int64, took time.Duration) {
	st := green
	if broken > 0 {
		st = red
	}
	s.line("\n  ", s.in(st, fmt.Sprintf("%d answers as promised, %d not", kept, broken)), s.in(dim, fmt.Sprintf("  in %.1f s", took.Seconds())), "\n")
}

// refusal prints one that another caller caused.
func (s *screen) refusal(r refusal) {
	s.line("    ", s.in(dim, time.Now().Format(time.TimeOnly)+"  "), s.in(statusStyle(r.Status), fmt.Sprint(r.Status)),
		"  ", s.in(dim, r.Pattern+"  log: "), r.Reason)
}

// shortened tells a token from others without being one.
func shortened(token string) string {
	const head, tail = 8, 3
	if len(token) < 4*(head+tail) {
		return fmt.Sprintf("… (%d bytes)", len(token))
	}
	return fmt.Sprintf("%s…%s (%d bytes)", token[:head], token[len(token)-tail:], len(token))
}

// byHand prints how to go on. These lines alone hold secrets: they are to be
// pasted, and good for as long as this process runs.
func (s *screen) byHand(api string, auth *devauth.Server) {
	s.line("  ", s.in(bold, "Now you"), s.in(dim, "  in a browser, or paste the lines into another terminal; Ctrl-C here ends it"))
	rows := [][]string{{"# pick a caller, call each route, read why it was refused", api + "/"}}
	for _, c := range auth.Clients() {
		if c.Name == devauth.NoLevel {
			continue
		}
		what := "may do everything"
		if c.Name == devauth.GetOnly {
			what = "may only get"
		}
		rows = append(rows, []string{"# a token of " + string(c.Scheme) + ", for a client that " + what, auth.TokenRequest(c).Shell()})
	}
	const bearer = `-H "Authorization: Bearer $TOKEN" `
	rows = append(
		rows,
		[]string{"# use it", "curl -i " + bearer + api + "/orders", "curl -i " + bearer + "-X DELETE " + api + "/orders/1", "curl -s " + bearer + api + "/whoami"},
		[]string{"# rotate the keys of a scheme: okq8, messaging or bokbasen", "curl -X POST " + auth.URL() + "/dev/okq8/rotate"},
		[]string{"# take all issuers down, and up again", "curl -s -X POST '" + auth.URL() + "/dev/outage?state=on'", "curl -s -X POST '" + auth.URL() + "/dev/outage?state=off'"},
		[]string{"# how the keys are doing, and what there is", "curl -s " + api + "/keys", "curl -s " + auth.URL() + "/dev"},
	)
	for _, row := range rows {
		s.line("\n", s.in(dim, row[0]))
		for _, line := range row[1:] {
			s.line(s.in(cyan, line))
		}
	}
	s.line("\n  ", s.in(dim, "What the API refuses from here on is logged below."), "\n")
}
