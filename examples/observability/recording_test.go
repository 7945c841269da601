package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// recording is what was scraped, minute by minute, as promtool takes it.
type recording struct {
	series  map[string]map[int]float64 // by name and labels, then by minute
	minutes int
}

func newRecording() *recording { return &recording{series: map[string]map[int]float64{}} }

func (r *recording) add(minute int, instance string, from prometheus.Gatherer) error {
	families, err := from.Gather()
	r.minutes = max(r.minutes, minute+1)
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "sallyport_") {
			continue
		}
		for _, m := range f.GetMetric() {
			r.addMetric(minute, instance, f.GetName(), m)
		}
	}
	return err
}

func (r *recording) addMetric(minute int, instance, name string, m *dto.Metric) {
	set := func(name string, value float64, more ...string) {
		labels := append([]string{"instance=" + strconv.Quote(instance)}, more...)
		for _, l := range m.GetLabel() {
			labels = append(labels, l.GetName()+"="+strconv.Quote(l.GetValue()))
		}
		key := name + "{" + strings.Join(labels, ", ") + "}"
		if r.series[key] == nil {
			r.series[key] = map[int]float64{}
		}
		r.series[key][minute] = value
	}
	switch {
	case m.Counter != nil:
		set(name, m.Counter.GetValue())
	case m.Gauge != nil:
		set(name, m.Gauge.GetValue())
	case m.Histogram != nil:
		h := m.Histogram
		for _, b := range h.GetBucket() {
			set(name+"_bucket", float64(b.GetCumulativeCount()), `le="`+strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)+`"`)
		}
		set(name+"_bucket", float64(h.GetSampleCount()), `le="+Inf"`)
		set(name+"_count", float64(h.GetSampleCount()))
		set(name+"_sum", h.GetSampleSum())
	}
}

// write writes the series as input_series of promtool.
func (r *recording) write(w io.Writer) {
	fmt.Fprintln(w, "  input_series:")
	for _, key := range slices.Sorted(maps.Keys(r.series)) {
		fmt.Fprintf(w, "  - series: %s\n    values: %s\n", quoted(key), quoted(r.values(r.series[key])))
	}
}

// values are those of all minutes, the same ones in a row as one word.
func (r *recording) values(of map[int]float64) string {
	at := func(minute int) string {
		v, ok := of[minute]
		if !ok {
			if _, before := of[minute-1]; before {
				return "stale"
			}
			return "_"
		}
		return strconv.FormatFloat(math.Round(v*1e9)/1e9, 'f', -1, 64)
	}
	var words []string
	for minute := 0; minute < r.minutes; {
		word, n := at(minute), 1
		for word != "stale" && minute+n < r.minutes && at(minute+n) == word {
			n++
		}
		minute += n
		switch {
		case n == 1:
			words = append(words, word)
		case word == "_":
			words = append(words, fmt.Sprintf("_x%d", n))
		default:
			words = append(words, fmt.Sprintf("%s+0x%d", word, n-1))
		}
	}
	return strings.Join(words, " ")
}

// quoted is a string of YAML.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
