package soak_test

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The plot is three curves over time, one above the other, on bands that tell
// the phases.
const (
	plotWidth  = 960
	plotLeft   = 70
	curveTop   = 50
	curveHigh  = 110
	curveApart = 145
	plotHeight = curveTop + 3*curveApart + 10
)

var bands = []string{"#dbeafe", "#dcfce7", "#fef9c3", "#ede9fe", "#ffedd5", "#fee2e2"}

// curve is one of the three.
type curve struct {
	title  string
	unit   string
	points [][2]float64 // seconds, value
}

func (r report) curves() []curve {
	p99 := curve{title: "p99 of callers whose key was in force", unit: "ms"}
	for i := range r.windows {
		if w := &r.windows[i]; w.total > 0 {
			at := r.lasted.Seconds() * float64(i) / points
			p99.points = append(p99.points, [2]float64{at, float64(w.quantile(0.99)) / float64(time.Millisecond)})
		}
	}
	heap := curve{title: "live heap, with the clients and the issuer", unit: "MB"}
	goroutines := curve{title: "goroutines, with the clients and the issuer"}
	for _, s := range r.samples {
		heap.points = append(heap.points, [2]float64{s.at.Seconds(), float64(s.heap) / 1e6})
		goroutines.points = append(goroutines.points, [2]float64{s.at.Seconds(), float64(s.goroutines)})
	}
	return []curve{p99, heap, goroutines}
}

func (r report) x(seconds float64) float64 {
	return plotLeft + (plotWidth-plotLeft-10)*min(1, seconds/r.lasted.Seconds())
}

func (r report) plot() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#111">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<title>Soak: %d clients for %v</title><rect width="100%%" height="100%%" fill="#fff"/>`+"\n", clients, r.lasted)
	for i, p := range r.plan {
		at := plotLeft + i*(plotWidth-plotLeft)/len(r.plan)
		fmt.Fprintf(&b, `<rect x="%d" y="10" width="12" height="12" fill="%s" stroke="#999"/><text x="%d" y="20" font-size="10">%s</text>`+"\n", at, bands[i%len(bands)], at+16, p.name)
	}
	for n, c := range r.curves() {
		r.draw(&b, c, float64(curveTop+n*curveApart))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (r report) draw(b *strings.Builder, c curve, top float64) {
	bottom := top + curveHigh
	r.shade(b, top)
	var most float64
	for _, p := range c.points {
		most = max(most, p[1])
	}
	most = nice(most)
	fmt.Fprintf(b, `<text x="%d" y="%.0f" font-weight="bold">%s</text>`+"\n", plotLeft, top-6, c.title)
	for _, share := range []float64{0, 0.5, 1} {
		y := bottom - share*curveHigh
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#bbb"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, plotWidth-10, y, y, plotLeft-6, y+4, strings.TrimSpace(fmt.Sprintf("%.3g %s", share*most, c.unit)))
	}
	b.WriteString(`<polyline fill="none" stroke="#1d4ed8" stroke-width="1.5" points="`)
	for _, p := range c.points {
		fmt.Fprintf(b, "%.1f,%.1f ", r.x(p[0]), bottom-curveHigh*p[1]/most)
	}
	b.WriteString(`"/>` + "\n")
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
			from, top, max(0, to-from), curveHigh, bands[r.samples[i].phase%len(r.plan)%len(bands)])
		i = j
	}
}

// nice is the next number above that people like on an axis.
func nice(v float64) float64 {
	if v <= 0 {
		return 1
	}
	ten := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5, 10} {
		if v <= step*ten {
			return step * ten
		}
	}
	return v
}
