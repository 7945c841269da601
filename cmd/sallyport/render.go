package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sallyport-go/sallyport/verifier"
)

// palette are the escape sequences of a report, or nothing.
type palette struct{ good, bad, dim, bold, end string }

var colours = palette{good: "\x1b[32m", bad: "\x1b[31m", dim: "\x1b[2m", bold: "\x1b[1m", end: "\x1b[0m"}

// colourful: a terminal, and nobody said NO_COLOR.
func colourful(out io.Writer) bool {
	return isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// render prints a line for each check; one that failed also says what was
// expected.
func render(out io.Writer, r verifier.Report, colour bool) error {
	var p palette
	if colour {
		p = colours
	}
	var b strings.Builder
	for _, c := range r.Checks {
		p.line(&b, c)
	}
	b.WriteByte('\n')
	switch {
	case r.OK:
		fmt.Fprintf(&b, "%s%saccepted%s\n", p.bold, p.good, p.end)
	case unjudged(r):
		fmt.Fprintf(&b, "%s%snot judged: %s%s\n%s\n", p.bold, p.bad, r.Reason, p.end, r.Hint)
	default:
		fmt.Fprintf(&b, "%s%srefused: %s%s\n%s\n", p.bold, p.bad, r.Reason, p.end, r.Hint)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (p palette) line(b *strings.Builder, c verifier.Check) {
	const indent = "                 "
	switch {
	case c.Skipped:
		fmt.Fprintf(b, "%s  - %-12s not looked at%s\n", p.dim, c.Name, p.end)
	case c.OK:
		fmt.Fprintf(b, "  %s✓%s %-12s %s\n", p.good, p.end, c.Name, orElse(c.Found, c.Expected))
	default:
		fmt.Fprintf(b, "  %s✗ %-12s %s%s\n", p.bad, c.Name, orElse(c.Found, "no"), p.end)
		fmt.Fprintf(b, "%sexpected %s\n", indent, c.Expected)
	}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
