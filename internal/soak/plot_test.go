package soak_test

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The plot is three panels over time, one above the other, on bands that tell
// the phases.
const (
	plotWidth  = 960
	plotLeft   = 70
	plotRight  = plotWidth - 25
	panelTop   = 70
	panelHigh  = 120
	panelApart = 160
	plotHeight = panelTop + 3*panelApart
)

var bands = []string{"#dbeafe", "#dcfce7", "#fef9c3", "#ede9fe", "#ffedd5", "#fee2e2"}

// panel is one of the three.
type panel struct {
	title  string
	unit   string
	ticks  []float64
	height func(v float64) float64 // 0 at the bottom, 1 at the top
	curves []curve
}

type curve struct {
	color  string
	points [][2]float64 // seconds, value
}

const (
	blue = "#1d4ed8"
	grey = "#6b7280"
)

func (r report) panels() []panel {
	heap, goroutines := curve{color: blue}, curve{color: blue}
	for _, s := range r.samples {
		heap.points = append(heap.points, [2]float64{s.at.Seconds(), float64(s.heap) / 1e6})
		goroutines.points = append(goroutines.points, [2]float64{s.at.Seconds(), float64(s.goroutines)})
	}
	return []panel{
		decades("p99 of callers whose key was in force; grey: how late timers of the same process were", r.p99(r.late, grey), r.p99(r.windows, blue)),
		linear("live heap, with the clients and the issuer", "MB", heap),
		linear("goroutines, with the clients and the issuer", "", goroutines),
	}
}

// p99 is in milliseconds.
func (r report) p99(of []latencies, color string) curve {
	c := curve{color: color}
	for i := range of {
		if of[i].total > 0 {
			at := r.lasted.Seconds() * (float64(i) + 0.5) / points
			c.points = append(c.points, [2]float64{at, float64(of[i].quantile(0.99)) / float64(time.Millisecond)})
		}
	}
	return c
}

// decades is a panel of milliseconds whose axis is logarithmic.
func decades(title string, curves ...curve) panel {
	const lowest, highest = -2, 4
	p := panel{title: title, unit: "ms", curves: curves}
	for e := lowest; e <= highest; e += 2 {
		p.ticks = append(p.ticks, math.Pow10(e))
	}
	p.height = func(v float64) float64 {
		return min(1, max(0, (math.Log10(max(v, 1e-9))-lowest)/(highest-lowest)))
	}
	return p
}

// linear is a panel whose axis begins at nothing.
func linear(title, unit string, c curve) panel {
	var most float64
	for _, p := range c.points {
		most = max(most, p[1])
	}
	most = nice(most)
	return panel{title: title, unit: unit, ticks: []float64{0, most / 2, most}, height: func(v float64) float64 { return v / most }, curves: []curve{c}}
}

// nice is the next number above that people like on an axis.
func nice(v float64) float64 {
	if v <= 0 {
		return 1
	}
	ten := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5} {
		if v <= step*ten {
			return step * ten
		}
	}
	return 10 * ten
}

func (r report) x(seconds float64) float64 {
	return plotLeft + (plotRight-plotLeft)*min(1, seconds/r.lasted.Seconds())
}

func (r report) plot() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#111">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<title>Soak: %d clients for %v</title><rect width="100%%" height="100%%" fill="#fff"/>`+"\n", clients, r.lasted)
	for i, p := range r.plan {
		x, y := plotLeft+i%3*(plotRight-plotLeft)/3, 10+i/3*18
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="12" height="12" fill="%s" stroke="#999"/><text x="%d" y="%d">%s</text>`+"\n", x, y, bands[i%len(bands)], x+18, y+10, p.name)
	}
	for n, p := range r.panels() {
		r.draw(&b, p, float64(panelTop+n*panelApart))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (r report) draw(b *strings.Builder, p panel, top float64) {
	bottom := top + panelHigh
	r.shade(b, top)
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
	for i := range 6 {
		at := r.lasted.Seconds() * float64(i) / 5
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle" font-size="10">%v</text>`+"\n", r.x(at), bottom+14, time.Duration(at*float64(time.Second)).Round(time.Second))
	}
}

// shade tells the phases by the samples that were taken in them.
func (r report) shade(b *strings.Builder, top float64) {
	for i := 0; i < len(r.samples); {
		j := i
		for j < len(r.samples) && r.samples[j].phase == r.samples[i].phase {
			j++
		}
		end := r.lasted.Seconds()
		if j < len(r.samples) {
			end = r.samples[j].at.Seconds()
		}
		from, to := r.x(r.samples[i].at.Seconds()), r.x(end)
		fmt.Fprintf(b, `<rect x="%.1f" y="%.0f" width="%.1f" height="%d" fill="%s"/>`+"\n",
			from, top, max(0, to-from), panelHigh, bands[r.samples[i].phase%len(r.plan)%len(bands)])
		i = j
	}
}
