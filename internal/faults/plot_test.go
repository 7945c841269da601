package faults_test

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The plot is three panels over time, one above the other, on bands of colour that show the phases.
const (
	plotWidth  = 960
	plotLeft   = 70
	plotRight  = plotWidth - 25
	panelTop   = 70
	panelHigh  = 120
	panelApart = 160

	blue = "#1d4ed8"
	grey = "#6b7280"
)

var bands = []string{"#dbeafe", "#dcfce7", "#fef9c3", "#ede9fe", "#ffedd5", "#fee2e2", "#e0f2fe", "#fce7f3"}

type panel struct {
	title, unit string
	ticks       []float64
	height      func(v float64) float64 // 0 at the bottom, 1 at the top
	curves      []curve
}

type curve struct {
	color  string
	points [][2]float64 // seconds, value
}

func (r *report) panels() []panel {
	heap, goroutines := curve{color: blue}, curve{color: blue}
	for _, s := range r.samples {
		heap.points = append(heap.points, [2]float64{s.at.Seconds(), s.heap / 1e6})
		goroutines.points = append(goroutines.points, [2]float64{s.at.Seconds(), s.goroutines})
	}
	return []panel{
		{
			"p99 of callers whose key was in force; grey: how late timers of the same process were", "ms",
			[]float64{0.01, 1, 100, 10_000},
			func(v float64) float64 { return min(1, max(0, (math.Log10(max(v, 1e-9))+2)/6)) }, // logarithmic
			[]curve{r.p99(r.late, grey), r.p99(r.windows, blue)},
		},
		linear("live heap, with the clients and the issuer", "MB", heap),
		linear("goroutines, with the clients and the issuer", "", goroutines),
	}
}

// p99 is in milliseconds.
func (r *report) p99(of []latencies, color string) curve {
	c := curve{color: color}
	for i := range of {
		if of[i].total > 0 {
			c.points = append(c.points, [2]float64{r.whole.Seconds() * (float64(i) + 0.5) / points, float64(of[i].quantile(0.99)) / float64(time.Millisecond)})
		}
	}
	return c
}

// linear is a panel whose axis begins at nothing and ends at a round number.
func linear(title, unit string, c curve) panel {
	most := 1.0
	for _, p := range c.points {
		most = max(most, p[1])
	}
	step := math.Pow10(int(math.Log10(most)))
	most = step * math.Ceil(most/step)
	return panel{title, unit, []float64{0, most / 2, most}, func(v float64) float64 { return v / most }, []curve{c}}
}

func (r *report) x(seconds float64) float64 {
	return plotLeft + (plotRight-plotLeft)*min(1, seconds/r.whole.Seconds())
}

func (r *report) plot() string {
	var b strings.Builder
	panels := r.panels()
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#111">`+"\n", plotWidth, panelTop+len(panels)*panelApart)
	fmt.Fprintf(&b, `<title>Soak: %d clients for %v</title><rect width="100%%" height="100%%" fill="#fff"/>`+"\n", population, r.whole)
	for i, p := range r.plan {
		x, y := plotLeft+i%3*(plotRight-plotLeft)/3, 10+i/3*18
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="12" height="12" fill="%s" stroke="#999"/><text x="%d" y="%d">%s</text>`+"\n", x, y, bands[i%len(bands)], x+18, y+10, p.name)
	}
	for n, p := range panels {
		r.draw(&b, p, float64(panelTop+n*panelApart))
	}
	return b.String() + "</svg>\n"
}

func (r *report) draw(b *strings.Builder, p panel, top float64) {
	bottom := top + panelHigh
	for i, s := range r.samples { // the first of a phase colours the time until the end; the next phase covers it
		if i == 0 || r.samples[i-1].phase != s.phase {
			from := r.x(s.at.Seconds())
			fmt.Fprintf(b, `<rect x="%.1f" y="%.0f" width="%.1f" height="%d" fill="%s"/>`+"\n", from, top, plotRight-from, panelHigh, bands[s.phase%len(r.plan)%len(bands)])
		}
	}
	fmt.Fprintf(b, `<text x="%d" y="%.0f" font-weight="bold">%s</text>`+"\n", plotLeft, top-6, p.title)
	for _, v := range p.ticks {
		y := bottom - panelHigh*p.height(v)
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#bbb"/><text x="%d" y="%.1f" text-anchor="end">%v</text>`+"\n",
			plotLeft, plotRight, y, y, plotLeft-6, y+4, strings.TrimSpace(fmt.Sprint(v, " ", p.unit)))
	}
	for _, c := range p.curves {
		fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="`, c.color)
		for _, at := range c.points {
			fmt.Fprintf(b, "%.1f,%.1f ", r.x(at[0]), bottom-panelHigh*p.height(at[1]))
		}
		b.WriteString(`"/>` + "\n")
	}
	for at := time.Duration(0); at <= r.whole; at += r.whole / 5 {
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle" font-size="10">%v</text>`+"\n", r.x(at.Seconds()), bottom+14, at.Round(time.Second))
	}
}
