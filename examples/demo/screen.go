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

const hidden = "••••••••"

func (s *screen) curl(request devauth.TokenRequest) {
	text := strings.Join(request.Lines(), " \\\n  ")
	for line := range strings.SplitSeq(strings.ReplaceAll(text, `","`, `",`+"\n       \""), "\n") { // JSON is long
		s.line("    ", s.in(cyan, line))
	}
	s.line()
}

// answer is a request and what came back: the note, or how that is not as
// promised.
func (s *screen) answer(c call, a answer, note, wrong string) {
	mark, code := s.in(green, "✓"), "---"
	if wrong != "" {
		mark, note = s.in(red, "✗"), ""
	}
	if a.status != 0 {
		code = fmt.Sprint(a.status)
	}
	s.line("    ", mark, " ", s.in(statusStyle(a.status), code), fmt.Sprintf("  %-9s  %-6s %-21s  ", c.who, c.method, c.path), s.in(dim, note))
	for _, name := range []string{"WWW-Authenticate", "Retry-After"} { // these make a refusal
		for _, value := range a.header.Values(name) {
			for i, part := range strings.Split(strings.NewReplacer(", resource_metadata", ",\nresource_metadata", ", acr_values", ",\nacr_values").Replace(value), "\n") {
				if i == 0 {
					s.line("           ", s.in(dim, name+": "), s.in(yellow, part))
				} else {
					s.line("             ", s.in(yellow, part))
				}
			}
		}
	}
	if wrong != "" {
		s.line("           ", s.in(red, wrong))
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

const howToGoOn = `# use it
curl -i -H "Authorization: Bearer $TOKEN" {api}/orders
curl -i -H "Authorization: Bearer $TOKEN" -X DELETE {api}/orders/1
curl -s -H "Authorization: Bearer $TOKEN" {api}/whoami
# rotate the keys of a scheme: okq8, messaging or bokbasen
curl -X POST {auth}/dev/okq8/rotate
# take all issuers down, and up again
curl -s -X POST '{auth}/dev/outage?state=on'
curl -s -X POST '{auth}/dev/outage?state=off'
# how the keys are doing, and what there is
curl -s {api}/keys
curl -s {auth}/dev
`

// byHand prints how to go on. These lines alone hold secrets: they are to be
// pasted, and good for as long as this process runs.
func (s *screen) byHand(api string, auth *devauth.Server) {
	s.line("  ", s.in(bold, "Now you"), s.in(dim, "  in a browser, or paste the lines into another terminal; Ctrl-C here ends it"))
	text := "# pick a caller, call each route, read why it was refused\n" + api + "/\n"
	clients := auth.Clients()
	for i := range clients {
		c := &clients[i]
		if what := map[string]string{devauth.AllLevels: "may do everything", devauth.GetOnly: "may only get"}[c.Name]; what != "" {
			text += fmt.Sprintf("# a token of %s, for a client that %s\n%s\n", c.Scheme, what, auth.TokenRequest(*c).Shell())
		}
	}
	for line := range strings.Lines(text + strings.NewReplacer("{api}", api, "{auth}", auth.URL()).Replace(howToGoOn)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			s.line("\n", s.in(dim, line))
		} else {
			s.line(s.in(cyan, line))
		}
	}
	s.line("\n  ", s.in(dim, "What the API refuses from here on is logged below."), "\n")
}
