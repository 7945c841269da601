package attack

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/forgeries"
)

// Report is what an attack found.
type Report struct {
	API      string    `json:"api"`
	Tried    int       `json:"tried"` // cases
	Findings []Finding `json:"findings"`
	Skipped  []Skipped `json:"skipped"`
}

// Finding is a case in which the API did what it must not do.
type Finding struct {
	Name    string          `json:"name"`
	Group   string          `json:"group"`
	Level   forgeries.Level `json:"level"`
	Section string          `json:"section"` // that forbids it
	URL     string          `json:"url"`     // of the section
	What    string          `json:"what"`    // it lets an attacker do
	Status  int             `json:"status"`  // that the API answered; 0 is no answer
}

// Skipped is a case that was not tried.
type Skipped struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Worst reports whether there is a finding of one of the levels.
func (r *Report) Worst(levels []forgeries.Level) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return slices.Contains(levels, f.Level) })
}

// Count returns how many findings are of a level.
func (r *Report) Count(level forgeries.Level) (n int) {
	for i := range r.Findings {
		if r.Findings[i].Level == level {
			n++
		}
	}
	return n
}

// sort puts the worst findings first, and those of a level by group.
func (r *Report) sort() {
	levels := forgeries.Levels()
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		if d := slices.Index(levels, a.Level) - slices.Index(levels, b.Level); d != 0 {
			return d
		}
		if a.Group != b.Group {
			return strings.Compare(a.Group, b.Group)
		}
		return strings.Compare(a.Name, b.Name)
	})
	slices.SortStableFunc(r.Skipped, func(a, b Skipped) int { return strings.Compare(a.Name, b.Name) })
}

// JSON writes the report as one line of JSON.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
