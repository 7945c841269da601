package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// out is for docs/telemetry.svg:
//
//	go test -run TestThePictureOfTheDay . -out ../../docs
var out = flag.String("out", "", "the directory that TestThePictureOfTheDay writes telemetry.svg into")

func TestThePictureOfTheDay(t *testing.T) {
	t.Parallel()
	f := theDay(t)
	var picture bytes.Buffer
	draw(&picture, f, panels(t))
	decoder := xml.NewDecoder(bytes.NewReader(picture.Bytes()))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	for name := range f.alarms {
		assert.Contains(t, picture.String(), strings.TrimPrefix(strings.Fields(name)[0], "Sallyport"))
	}
	if *out != "" {
		require.NoError(t, os.WriteFile(filepath.Join(*out, "telemetry.svg"), picture.Bytes(), 0o600))
	}
}

const (
	left, column, curve, row = 214.0, 74.0, 70.0, 14.0 // pixels
	top, gap                 = 58.0, 26.0
)

var colors = []string{"#e0a030", "#d9534f", "#8a63b8", "#5aa05a", "#4aa8a8", "#888888"}

// colorOf is the color of the curve with that name and place.
func colorOf(name string, place int) string {
	if name == "verified" || name == "api-1" {
		return "#2f7ed8"
	}
	return colors[(place+1)%len(colors)]
}

// x is where a moment is drawn: every act is as wide as another.
func x(at time.Duration) float64 {
	all := acts()
	for i, a := range all {
		if at < a.begins+a.lasts || i == len(all)-1 {
			return left + column*(float64(i)+float64(at-a.begins)/float64(a.lasts))
		}
	}
	return left
}

// draw draws the curves of three panels and the alarms.
func draw(w io.Writer, f found, all []panel) {
	acts := acts()
	names := slices.Sorted(maps.Keys(f.alarms))
	width := left + column*float64(len(acts)) + 10
	height := top + 3*(curve+gap) + row*float64(len(names)) + 20
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="10">`+"\n", width, height)
	fmt.Fprintf(w, `<rect width="%.0f" height="%.0f" fill="#fff"/>`+"\n", width, height)
	for i, a := range acts {
		at := left + column*float64(i)
		if i%2 == 1 {
			fmt.Fprintf(w, `<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" fill="#f3f4f6"/>`+"\n", at, top-4, column, height-top-10)
		}
		for n, line := range lines(a.name) {
			fmt.Fprintf(w, `<text x="%.0f" y="%d" fill="#333">%s</text>`+"\n", at+2, 12+11*n, html.EscapeString(line))
		}
		fmt.Fprintf(w, `<text x="%.0f" y="%.0f" fill="#888">%s</text>`+"\n", at+2, top-8, strings.TrimSuffix(strings.TrimSuffix(a.lasts.String(), "0s"), "0m"))
	}
	y := top
	for _, title := range []string{"Calls by outcome", "Refusals by reason", "Age of the keys"} {
		p := all[slices.IndexFunc(all, func(p panel) bool { return p.Title == title })]
		drawPanel(w, y, title, f.panels[query(p.Targets[0].Expr)])
		y += curve + gap
	}
	for _, name := range names {
		fmt.Fprintf(w, `<text x="%.0f" y="%.1f" text-anchor="end" fill="#333">%s</text>`+"\n", left-6, y+9, html.EscapeString(strings.TrimPrefix(name, "Sallyport")))
		for _, span := range spans(f.alarms[name]) {
			fmt.Fprintf(w, `<rect x="%.1f" y="%.1f" width="%.1f" height="9" rx="2" fill="#d9534f"/>`+"\n", x(span[0]), y+1, max(2, x(span[1])-x(span[0])))
		}
		y += row
	}
	fmt.Fprintln(w, "</svg>")
}

// lines breaks the name of an act for its column.
func lines(name string) (out []string) {
	for word := range strings.FieldsSeq(name) {
		if n := len(out); n > 0 && len(out[n-1])+len(word) < 13 {
			out[n-1] += " " + word
			continue
		}
		out = append(out, word)
	}
	return out
}

// spans are when an alarm was on: moments without a gap of more than ten minutes.
func spans(of []sample) (out [][2]time.Duration) {
	for _, s := range of {
		if n := len(out); n > 0 && s.at-out[n-1][1] <= 10*time.Minute {
			out[n-1][1] = s.at
			continue
		}
		out = append(out, [2]time.Duration{s.at, s.at})
	}
	return out
}

func drawPanel(w io.Writer, y float64, title string, samples []sample) {
	curves, most := map[string][]sample{}, 0.0
	for _, s := range samples {
		name := ""
		for _, label := range []string{"sallyport_outcome", "sallyport_reason"} {
			name += s.labels[label]
		}
		if name == "" {
			name = s.labels["instance"]
		}
		curves[name] = append(curves[name], s)
		most = max(most, s.value)
	}
	unit := fmt.Sprintf("%.1f/s", most)
	if title == "Age of the keys" {
		unit = fmt.Sprintf("%.0f h", most/3600)
	}
	fmt.Fprintf(w, `<text x="%.0f" y="%.1f" text-anchor="end" font-weight="bold" fill="#333">%s</text>`+"\n", left-6, y+10, title)
	fmt.Fprintf(w, `<text x="%.0f" y="%.1f" text-anchor="end" fill="#888">at most %s</text>`+"\n", left-6, y+22, unit)
	fmt.Fprintf(w, `<path d="M%.0f %.1fh%.0f" stroke="#ccc"/>`+"\n", left, y+curve, column*float64(len(acts())))
	for i, name := range slices.Sorted(maps.Keys(curves)) {
		color := colorOf(name, i)
		fmt.Fprintf(w, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", path(curves[name], y+curve, curve/most), color)
		fmt.Fprintf(w, `<text x="%.0f" y="%.1f" text-anchor="end" fill="%s">%s</text>`+"\n", left-6, y+34+10*float64(i), color, html.EscapeString(name))
	}
}

// path is a curve, without the points that lie on a line between their neighbours.
func path(of []sample, zero, scale float64) string {
	var b strings.Builder
	var before string
	for i, s := range of {
		command := "L"
		if i == 0 || s.at-of[i-1].at > 11*time.Minute {
			command = "M"
		}
		height := fmt.Sprintf("%.1f", zero-s.value*scale)
		flat := command == "L" && height == before && i+1 < len(of) && fmt.Sprintf("%.1f", zero-of[i+1].value*scale) == height
		if before = height; flat && of[i+1].at-s.at <= 11*time.Minute {
			continue
		}
		fmt.Fprintf(&b, "%s%.1f %s", command, x(s.at), height)
	}
	return b.String()
}
