package report

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/measure"
)

// bar is one line of the chart.
type bar struct {
	label string
	note  string
	value float64 // microseconds
	fill  string
}

const (
	ink, paper, faint   = "#1f2933", "#ffffff", "#6b7885"
	ownFill, memoryFill = "#0b7285", "#12b886"
	bareFill, peerFill  = "#868e96", "#c8d0d8"
	width, labelWidth   = 860, 250
	barHeight, barPitch = 24, 36
	firstBar            = 104
)

// Chart writes results.svg: what one check of one RS256 token costs.
func (rep *Report) Chart(out io.Writer) error {
	bars := rep.bars()
	longest := 0.0
	for _, b := range bars {
		longest = max(longest, b.value)
	}
	const room = width - labelWidth - 150
	height := firstBar + barPitch*len(bars) + 56
	w := &writer{}
	w.line(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif">`, width, height, width, height)
	w.line(`<title id="t">What one token check costs</title>`)
	w.line(`<desc id="d">%s</desc>`, html.EscapeString(description(bars)))
	w.line(`<rect width="%d" height="%d" rx="12" fill="%s"/>`, width, height, paper)
	w.line(`<text x="28" y="42" font-size="21" font-weight="600" fill="%s">What one token check costs</text>`, ink)
	w.line(`<text x="28" y="68" font-size="14" fill="%s">RS256, an Entra-shaped token of 1.2 kB, microseconds on one core. Shorter is better.</text>`, faint)
	for i, b := range bars {
		y := firstBar + i*barPitch
		length := max(2, b.value/longest*room)
		weight := "400"
		if b.fill == ownFill || b.fill == memoryFill {
			weight = "700"
		}
		w.line(`<text x="%d" y="%d" font-size="14" text-anchor="end" font-weight="%s" fill="%s">%s</text>`, labelWidth-14, y+17, weight, ink, html.EscapeString(b.label))
		w.line(`<rect x="%d" y="%d" width="%.1f" height="%d" rx="3" fill="%s"/>`, labelWidth, y, length, barHeight, b.fill)
		w.line(`<text x="%.1f" y="%d" font-size="14" font-weight="%s" fill="%s">%s<tspan dx="8" fill="%s" font-weight="400">%s</tspan></text>`,
			labelWidth+length+10, y+17, weight, ink, value(b.value), faint, html.EscapeString(b.note))
	}
	floor := labelWidth + bars[1].value/longest*room
	w.line(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s" stroke-dasharray="3 4"/>`, floor, firstBar+barPitch-6, floor, firstBar+barPitch*len(bars), faint)
	w.line(`<text x="28" y="%d" font-size="12" fill="%s">%s. Medians of %d interleaved rounds; versions and all tables in RESULTS.md.</text>`,
		height-22, faint, html.EscapeString(rep.Machine.CPU+", "+rep.Machine.Go), rep.Rounds)
	w.line(`</svg>`)
	_, err := io.WriteString(out, w.String())
	return err
}

// bars are the remembered token, the floor, the first sight and the peers,
// the fastest first.
func (rep *Report) bars() []bar {
	first := func(impl string) *measure.Series { return rep.Results.At("FirstSight", "alg=RS256/impl="+impl) }
	bare, own := first("bare"), first("sallyport/cache=off")
	hit := rep.Results.At("Seen", "alg=RS256/impl=sallyport/cache=hit")
	list := []bar{
		{label: "Sallyport, token seen before", note: "remembered, not repeated", value: hit.Median() / 1e3, fill: memoryFill},
		{label: "bare signature check", note: "the floor", value: bare.Median() / 1e3, fill: bareFill},
		{label: "Sallyport, first sight", note: "× " + times(own.Ratio(bare)), value: own.Median() / 1e3, fill: ownFill},
	}
	var peers []bar
	for _, c := range contest.Peers {
		s := first(c.Name)
		peers = append(peers, bar{label: cmp.Or(labels[c.Name], c.Name), note: "× " + times(s.Ratio(bare)), value: s.Median() / 1e3, fill: peerFill})
	}
	slices.SortFunc(peers, func(a, b bar) int { return cmp.Compare(a.value, b.value) })
	return append(list, peers...)
}

var labels = map[string]string{
	"golang-jwt+keyfunc": "golang-jwt + keyfunc", "jwx-v2": "jwx v2", "jwx-v3": "jwx v3",
	"auth0-v2": "auth0 go-jwt-middleware v2", "auth0-v3": "auth0 go-jwt-middleware v3",
}

func value(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func description(bars []bar) string {
	var parts []string
	for _, b := range bars {
		parts = append(parts, b.label+": "+value(b.value)+" µs")
	}
	return strings.Join(parts, "; ")
}
