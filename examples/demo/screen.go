package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
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
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	purple style = "35"
	cyan   style = "36"
)

func (s *screen) in(st style, text string) string {
	if !s.color || st == plain || text == "" {
		return text
	}
	return "\x1b[" + string(st) + "m" + text + "\x1b[0m"
}

func (s *screen) line(parts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.w, strings.TrimRight(strings.Join(parts, ""), " "))
}

func (s *screen) gap() { s.line() }

func (s *screen) title(auth, api, framework string) {
	s.gap()
	s.line("  ", s.in(bold, "Sallyport, the demo"))
	s.gap()
	s.line("  issuers  ", s.in(cyan, auth), s.in(dim, "   three schemes, each with keys of its own"))
	s.line("  API      ", s.in(cyan, api), s.in(dim, "   orders, served by "+framework))
	s.line("  callers  ", s.in(dim, "all: get post put delete   reader: get   none: nothing"))
}

func (s *screen) act(n int, name, what string) {
	s.gap()
	s.line(" ", s.in(bold, fmt.Sprintf("%d  %s", n, name)), s.in(dim, "  "+what))
	s.gap()
}

func (s *screen) say(text string) { s.line("    ", s.in(dim, text)) }

func (s *screen) curl(lines []string) {
	for _, l := range lines {
		s.line("    ", s.in(cyan, l))
	}
	s.gap()
}

// answer is a request and what came back.
func (s *screen) answer(kept bool, status int, c call, note string) {
	mark := s.in(green, "✓")
	if !kept {
		mark = s.in(red, "✗")
	}
	code := "---"
	if status != 0 {
		code = fmt.Sprint(status)
	}
	s.line("    ", mark, " ", s.in(statusStyle(status), code),
		fmt.Sprintf("  %-9s  %-6s %-21s  ", c.who, c.method, c.path), s.in(dim, note))
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

// headers prints those that make a refusal.
func (s *screen) headers(h http.Header) {
	for _, name := range []string{"WWW-Authenticate", "Retry-After"} {
		for _, value := range h.Values(name) {
			s.line("           ", s.in(dim, name+": "), s.in(yellow, value))
		}
	}
}

func (s *screen) differences(list []string) {
	for _, d := range list {
		s.line("           ", s.in(red, d))
	}
}

func (s *screen) summary(kept, broken int64, took time.Duration) {
	st := green
	if broken > 0 {
		st = red
	}
	s.gap()
	s.line("  ", s.in(st, fmt.Sprintf("%d answers as promised, %d not", kept, broken)), s.in(dim, fmt.Sprintf("  in %.1f s", took.Seconds())))
	s.gap()
}

// refusal prints one that another caller caused.
func (s *screen) refusal(status int64, reason, pattern string) {
	s.line("    ", s.in(dim, time.Now().Format(time.TimeOnly)+"  "), s.in(statusStyle(int(status)), fmt.Sprint(status)),
		"  ", s.in(dim, pattern+"  log: "), reason)
}

const hidden = "••••••••"

// curlLines are a token request for reading, an argument on each, without the
// secret.
func curlLines(request devauth.TokenRequest, secret string) []string {
	lines := []string{"curl -s -X POST " + shellQuote(request.URL)}
	for pair := range slices.Chunk(request.Args, 2) {
		value := shellQuote(strings.ReplaceAll(pair[1], secret, hidden))
		value = strings.ReplaceAll(value, `","`, `",`+"\n       \"") // JSON is long
		lines[len(lines)-1] += ` \`
		lines = append(lines, strings.Split("  "+pair[0]+" "+value, "\n")...)
	}
	return lines
}

// shellQuote quotes what a shell would not take as it is.
func shellQuote(word string) string {
	special := strings.ContainsFunc(word, func(r rune) bool {
		return r < 0x80 && !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,", r)
	})
	if !special {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
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
func (p *play) byHand() {
	s, api, auth := p.screen, p.api.URL(), p.auth.URL()
	s.line("  ", s.in(bold, "Now you"), s.in(dim, "  in a browser, or paste the lines into another terminal; Ctrl-C here ends it"))
	s.gap()
	s.line(s.in(dim, "# pick a caller, call each route, read why it was refused"))
	s.line(s.in(cyan, api+"/"))
	for _, scheme := range []devauth.Scheme{devauth.OKQ8, devauth.Messaging, devauth.Bokbasen} {
		s.gap()
		s.line(s.in(dim, "# a token of "+string(scheme)+", for a client that may do everything, then for one that may only get"))
		for _, name := range []string{devauth.AllLevels, devauth.GetOnly} {
			c, err := p.auth.Client(scheme, name)
			if err != nil {
				continue // cannot happen: every scheme has these clients
			}
			if request, err := p.auth.TokenRequest(scheme, c.ID, ""); err == nil {
				s.line(s.in(cyan, request.Shell()))
			}
		}
	}
	for _, row := range [][]string{
		{
			"# use it", `curl -i -H "Authorization: Bearer $TOKEN" ` + api + "/orders",
			`curl -i -H "Authorization: Bearer $TOKEN" -X DELETE ` + api + "/orders/1",
			`curl -s -H "Authorization: Bearer $TOKEN" ` + api + "/whoami",
		},
		{"# rotate the keys of a scheme: okq8, messaging or bokbasen", "curl -X POST " + auth + "/dev/okq8/rotate"},
		{"# take all issuers down, and up again", "curl -s -X POST '" + auth + "/dev/outage?state=on'", "curl -s -X POST '" + auth + "/dev/outage?state=off'"},
		{"# how the keys are doing, and what there is", "curl -s " + api + "/keys", "curl -s " + auth + "/dev"},
	} {
		s.gap()
		s.line(s.in(dim, row[0]))
		for _, line := range row[1:] {
			s.line(s.in(cyan, line))
		}
	}
	s.gap()
	s.line("  ", s.in(dim, "What the API refuses from here on is logged below."))
	s.gap()
}
