package run

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	_ "embed"
)

// opening is the page before its tables.
//
//go:embed opening.txt
var opening string

//go:embed attacked.txt
var attacked string

// Page returns the page of a run in Markdown: of libraries with the corpus, and of servers that were attacked. What one
// crashed at is not on it, nor what is held back: that is for its maintainers first.
func Page(c *Corpus, libraries, servers []Row, missing []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, opening, c.Version)
	if len(missing) > 0 {
		fmt.Fprintf(&b, "\n**Not installed where this was run, and so not tried: %s.**\n", strings.Join(missing, ", "))
	}
	b.WriteString("\n## Libraries, with the corpus\n")
	write(&b, "library", "Good tokens refused", libraries)
	b.WriteString("\n" + attacked)
	write(&b, "server", "Outages", servers)
	return b.String()
}

// write writes the table of some rows, and a section for each.
func write(b *strings.Builder, what, outages string, rows []Row) {
	fmt.Fprintf(b, "\n| %s | version | cases tried | holes | confusions | leniencies | %s | left to the caller |\n|---|---|--:|--:|--:|--:|--:|--:|\n",
		what, strings.ToLower(outages))
	for i := range rows {
		b.WriteString(rows[i].Line() + "\n")
	}
	for i := range rows {
		section(b, &rows[i], outages)
	}
}

// Line is the row of the first table.
func (r *Row) Line() string {
	return fmt.Sprintf("| [%s](%s) | %s | %d | %d | %d | %d | %d | %d |", r.Name, r.Page, r.Version, r.Tried,
		len(r.Of("hole")), len(r.Of("confusion")), len(r.Of("leniency")), len(r.Of("outage")), r.LeftToCaller)
}

func section(b *strings.Builder, r *Row, outages string) {
	fmt.Fprintf(b, "\n### %s\n", r.Name)
	if r.Note != "" {
		b.WriteString(r.Note + "\n")
	}
	b.WriteString("\n| | section | cases |\n|---|---|---|\n")
	for _, l := range []struct{ level, title string }{{"hole", "Holes"}, {"confusion", "Confusions"}, {"leniency", "Leniencies"}, {"outage", outages}} {
		findings := r.Of(l.level)
		bySection := map[string][]string{}
		urls := map[string]string{}
		for i := range findings {
			f := &findings[i]
			bySection[f.Section], urls[f.Section] = append(bySection[f.Section], f.Name), f.URL
		}
		for _, name := range slices.Sorted(maps.Keys(bySection)) {
			fmt.Fprintf(b, "| %s | [%s](%s) | %s |\n", l.title, name, urls[name], strings.Join(collapsed(bySection[name]), "; "))
		}
	}
}

// variant is the algorithm that ends a name.
var variant = regexp.MustCompile(` \((?:PS256|ES256|EdDSA|RS256)\)$`)

// collapsed returns names with their variants counted, escaped for a table.
func collapsed(names []string) (out []string) {
	counts := map[string]int{}
	for _, name := range names {
		counts[variant.ReplaceAllString(name, "")]++
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		text := strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`").Replace(name)
		if n := counts[name]; n > 1 {
			text += fmt.Sprintf(" (%d)", n)
		}
		out = append(out, text)
	}
	return out
}
