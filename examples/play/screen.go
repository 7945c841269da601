package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// screen prints, one idea a line. It is safe for concurrent use.
type screen struct {
	w     io.Writer
	color bool

	mu   sync.Mutex
	acts int
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

func (s *screen) title(st *stage) {
	s.gap()
	s.line("  ", s.in(bold, "Sallyport, the demo"))
	s.gap()
	s.line("  issuers  ", s.in(cyan, st.Auth.URL()), s.in(dim, "   three schemes, each with keys of its own"))
	s.line("  API      ", s.in(cyan, st.API.URL()), s.in(dim, "   orders, served by "+st.Config.Framework))
	s.line("  callers  ", s.in(dim, "all: get post put delete   reader: get   none: nothing"))
}

func (s *screen) act(name, what string) {
	s.acts++
	s.gap()
	s.line(" ", s.in(bold, fmt.Sprintf("%d  %s", s.acts, name)), s.in(dim, "  "+what))
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

// refusal prints one that somebody else caused.
func (s *screen) refusal(status int64, reason, pattern string) {
	s.line("    ", s.in(dim, time.Now().Format(time.TimeOnly)+"  "), s.in(statusStyle(int(status)), fmt.Sprint(status)),
		"  ", s.in(dim, pattern+"  log: "), reason)
}
