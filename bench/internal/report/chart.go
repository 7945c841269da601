package report

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/bench/internal/contest"
)

// bar is one line of the chart.
type bar struct {
	label, note string
	value       float64 // microseconds
	fill        string
	own         bool
}

const (
	ink, faint            = "#1f2933", "#6b7885"
	width, labels         = 860, 250
	barHeight, pitch, top = 24, 36, 104
)

// Chart writes results.svg: what one check of one RS256 token costs.
func (rep *Report) Chart(out io.Writer) error {
	bars := rep.bars()
	longest := slices.MaxFunc(bars, func(a, b bar) int { return cmp.Compare(a.value, b.value) }).value
	length := func(v float64) float64 { return max(2, v/longest*(width-labels-150)) }
	height := top + pitch*len(bars) + 56
	var words []string
	for _, b := range bars {
		words = append(words, b.label+": "+value(b.value)+" µs")
	}
	w := &writer{}
	text := func(x, y, size any, more, what string) {
		w.line(`<text x="%v" y="%v" font-size="%v" %s>%s</text>`, x, y, size, more, what)
	}
	w.line(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif">`, width, height, width, height)
	w.line(`<title id="t">What one token check costs</title>`)
	w.line(`<desc id="d">%s</desc>`, html.EscapeString(strings.Join(words, "; ")))
	w.line(`<rect width="%d" height="%d" rx="12" fill="#ffffff"/>`, width, height)
	text(28, 42, 21, `font-weight="600" fill="`+ink+`"`, "What one token check costs")
	text(28, 68, 14, `fill="`+faint+`"`, "RS256, an Entra-shaped token of 1.2 kB, microseconds on one core. Shorter is better.")
	for i, b := range bars {
		y, style := top+i*pitch, `font-weight="400" fill="`+ink+`"`
		if b.own {
			style = `font-weight="700" fill="` + ink + `"`
		}
		text(labels-14, y+17, 14, `text-anchor="end" `+style, html.EscapeString(b.label))
		w.line(`<rect x="%d" y="%d" width="%.1f" height="%d" rx="3" fill="%s"/>`, labels, y, length(b.value), barHeight, b.fill)
		text(fmt.Sprintf("%.1f", labels+length(b.value)+10), y+17, 14, style,
			value(b.value)+`<tspan dx="8" fill="`+faint+`" font-weight="400">`+html.EscapeString(b.note)+`</tspan>`)
	}
	floor := labels + length(bars[1].value)
	w.line(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s" stroke-dasharray="3 4"/>`, floor, top+pitch-6, floor, top+pitch*len(bars), faint)
	text(28, height-22, 12, `fill="`+faint+`"`, html.EscapeString(fmt.Sprintf("%s, %s. Medians of %d interleaved rounds; versions and all tables in RESULTS.md.",
		cpu("model name"), runtime.Version(), rep.Rounds)))
	w.line(`</svg>`)
	_, err := io.WriteString(out, w.String())
	return err
}

// bars returns the remembered token, the floor, the first sight and the peers, the fastest first.
func (rep *Report) bars() []bar {
	of := func(group, impl string) float64 { return rep.Results.At(group, "alg=RS256/impl="+impl).Median() / 1e3 }
	bare := rep.Results.At("FirstSight", "alg=RS256/impl=bare")
	to := func(impl string) string {
		return "× " + times(rep.Results.At("FirstSight", "alg=RS256/impl="+impl).Ratio(bare))
	}
	var peers []bar
	for _, c := range contest.Peers {
		peers = append(peers, bar{label: c.Name, note: to(c.Name), value: of("FirstSight", c.Name), fill: "#c8d0d8"})
	}
	slices.SortFunc(peers, func(a, b bar) int { return cmp.Compare(a.value, b.value) })
	return append([]bar{
		{label: "Sallyport, token seen before", note: "remembered, not repeated", value: of("Seen", "sallyport/cache=hit"), fill: "#12b886", own: true},
		{label: "bare signature check", note: "the floor", value: of("FirstSight", "bare"), fill: "#868e96"},
		{label: "Sallyport, first sight", note: to("sallyport/cache=off"), value: of("FirstSight", "sallyport/cache=off"), fill: "#0b7285", own: true},
	}, peers...)
}

func value(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
