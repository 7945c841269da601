package middleware

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

// The attributes. docs/guide/telemetry.md has every metric and span with them.
const (
	outcomeKey attribute.Key = "sallyport.outcome"
	reasonKey  attribute.Key = "sallyport.reason"
	issuerKey  attribute.Key = "sallyport.issuer"
	seenKey    attribute.Key = "sallyport.seen"
)

// other is the label of what there could be any number of: the codes of a custom
// Verifier or Binding, and issuers that were not configured when the Guard was
// made.
const other = "other"

// maxIssuers bounds the issuers that have a label of their own: with more, a
// counter by issuer and reason would have too many series.
const maxIssuers = 50

// issuers is a Verifier that says whose tokens it accepts, by names that are
// configured: they are fit for a label, where the iss claim is not.
type issuers interface {
	Issuers() []string
	IssuerOf(c *claims.Claims) string
}

// label is what decisions are counted and logged by.
type label struct {
	outcome Outcome
	reason  reason.Code // "" if nothing was refused
	issuer  string      // "" if the call came to none
}

// labels are all labels that there can be, with their attributes. They are made
// once, so that using one allocates nothing, and no call can add one.
type labels map[label]*series

// series is a label as OpenTelemetry takes it.
type series struct {
	label
	attributes []attribute.KeyValue
	set        []metric.AddOption
}

func newLabels(from issuers, shadow bool) labels {
	names := []string{"", other}
	if from != nil {
		configured := from.Issuers()
		names = append(names, configured[:min(len(configured), maxIssuers)]...)
	}
	outcome := Refused
	if shadow {
		outcome = Shadow
	}
	l := make(labels)
	l.add(label{outcome: Anonymous})
	for _, name := range names {
		l.add(label{Verified, "", name})
		l.add(label{outcome, other, name})
		for code := range classes {
			l.add(label{outcome, code, name})
		}
	}
	return l
}

// label makes the labels, if there is something that uses them.
func (d *decider) label(v Verifier) {
	if !isNil(v) {
		d.issuers, _ = v.(issuers)
	}
	if d.log != nil || d.meters != nil || d.spans {
		d.labels = newLabels(d.issuers, d.shadow)
	}
}

func (l labels) add(is label) {
	attrs := []attribute.KeyValue{outcomeKey.String(string(is.outcome))}
	if is.reason != "" {
		attrs = append(attrs, reasonKey.String(string(is.reason)))
	}
	if is.issuer != "" {
		attrs = append(attrs, issuerKey.String(is.issuer))
	}
	l[is] = &series{is, attrs, []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attrs...))}}
}

// of returns the label of an event. What has none of its own is other.
func (l labels) of(ev *Event) *series {
	is := label{ev.Outcome, ev.Reason, ev.Issuer}
	if s, ok := l[is]; ok {
		return s
	}
	if _, ok := l[label{Verified, "", is.issuer}]; !ok {
		is.issuer = other
	}
	if s, ok := l[is]; ok {
		return s
	}
	is.reason = other
	return l[is]
}
