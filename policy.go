package sallyport

import (
	"crypto/sha256"
	"net/http"
	"reflect"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/verifier"
)

// policy names the whole of how one issuer's tokens are judged: what is expected of
// them, and how keys are fetched where they are. It does not hold it: a
// configuration is its owner's to change.
type policy struct {
	plain [sha256.Size]byte // all that is plain values
	given jwks.KeySet       // nil: they are fetched

	client   *http.Client
	meters   metric.MeterProvider
	tracers  trace.TracerProvider
	function bool // there is one, and what it does cannot be compared
}

// policyFor names the policy of tokens whose keys are fetched like that; keys is nil
// where they were given.
func policyFor(tokens verifier.Issuer, keys *jwks.FetcherConfig) policy {
	p := policy{given: tokens.Keys}
	tokens.Keys = nil
	var plain jwks.FetcherConfig
	if keys != nil {
		plain = *keys
	}
	p.client, p.meters, p.tracers, p.function = plain.Client, plain.MeterProvider, plain.TracerProvider, plain.OnEvent != nil
	plain.Client, plain.MeterProvider, plain.TracerProvider, plain.OnEvent = nil, nil, nil, nil
	p.plain = setting.Fingerprint(struct {
		tokens  verifier.Issuer
		keys    jwks.FetcherConfig
		fetched bool
	}{tokens, plain, keys != nil})
	return p
}

// equal reports whether nothing differs. Keys, clients and providers of telemetry
// are equal if they are the same one.
func (p *policy) equal(other *policy) bool {
	return !p.function && !other.function && p.plain == other.plain && p.client == other.client &&
		sameOne(p.given, other.given) && sameOne(p.meters, other.meters) && sameOne(p.tracers, other.tracers)
}

// sameOne reports whether two interfaces hold the same value. Values that cannot be
// compared are never the same.
func sameOne(a, b any) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if !x.IsValid() || !y.IsValid() {
		return x.IsValid() == y.IsValid()
	}
	return x.Comparable() && y.Comparable() && a == b
}
