package attack

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/internal/quote"
)

// summary is a line about all.
func (r *Report) summary() string {
	var counts []string
	for _, level := range forgeries.Levels() {
		if n := r.Count(level); n > 0 {
			counts = append(counts, plural(n, string(level)))
		}
	}
	if counts == nil {
		counts = []string{"no findings"}
	}
	return fmt.Sprintf("%d cases tried: %s", r.Tried, strings.Join(counts, ", "))
}

func plural(n int, level string) string {
	if n == 1 {
		return "1 " + level
	}
	return fmt.Sprintf("%d %s", n, map[string]string{"hole": "holes", "confusion": "confusions", "leniency": "leniencies", "outage": "outages"}[level])
}

// Text writes the report for a person. Findings that say the same are listed once, with their names.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	for _, g := range r.gathered() {
		fmt.Fprintf(&b, "%-9s %s\n          %s, %s\n", g.Level, g.What, g.Section, g.URL)
		for _, name := range g.names {
			fmt.Fprintf(&b, "          - %s\n", name)
		}
	}
	if len(r.Findings) > 0 {
		b.WriteByte('\n')
	}
	for _, k := range r.reasons() {
		fmt.Fprintf(&b, "skipped   %s\n", k)
	}
	fmt.Fprintf(&b, "%s\n", r.summary())
	_, err := io.WriteString(w, b.String())
	return err
}

// Markdown writes the report for a page or a pull request.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## sallyport attack: %s\n\n%s.\n", cell(r.API), r.summary())
	if len(r.Findings) > 0 {
		b.WriteString("\n| level | what an attacker can do | by | forbidden in | answer |\n|---|---|---|---|---|\n")
	}
	for _, g := range r.gathered() {
		fmt.Fprintf(&b, "| **%s** | %s | %s | [%s](%s) | %s |\n", g.Level, cell(g.What), cell(strings.Join(g.names, "; ")), g.Section, g.URL, g.answers())
	}
	if reasons := r.reasons(); len(reasons) > 0 {
		b.WriteString("\nSkipped:\n")
		for _, k := range reasons {
			fmt.Fprintf(&b, "- %s\n", cell(k))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell is text that no table or link takes for its own.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "[", `\[`, "]", `\]`, "`", "'", "*", `\*`, "_", `\_`).Replace(s)
}

// gathering is findings that say the same.
type gathering struct {
	Finding
	names    []string
	statuses []int
}

func (g *gathering) answers() string {
	var out []string
	for _, status := range g.statuses {
		out = append(out, map[bool]string{true: "none", false: fmt.Sprint(status)}[status == 0])
	}
	return strings.Join(out, ", ")
}

func (r *Report) gathered() (out []*gathering) {
	for i := range r.Findings {
		f := &r.Findings[i]
		at := slices.IndexFunc(out, func(g *gathering) bool {
			return g.Level == f.Level && g.What == f.What && g.Section == f.Section
		})
		if at < 0 {
			at = len(out)
			out = append(out, &gathering{Finding: *f})
		}
		out[at].names = append(out[at].names, quote.Line(f.Name, 200))
		if !slices.Contains(out[at].statuses, f.Status) {
			out[at].statuses = append(out[at].statuses, f.Status)
		}
	}
	return out
}

// reasons returns why cases were skipped: by name, or by number where there are many.
func (r *Report) reasons() (out []string) {
	names := map[string][]string{}
	var order []string
	for _, k := range r.Skipped {
		if names[k.Why] == nil {
			order = append(order, k.Why)
		}
		names[k.Why] = append(names[k.Why], k.Name)
	}
	for _, why := range order {
		what := quote.Line(strings.Join(names[why], "; "), 300)
		if len(names[why]) > 3 {
			what = fmt.Sprintf("%d cases", len(names[why]))
		}
		out = append(out, what+": "+quote.Line(why, 300))
	}
	return out
}
