package middleware_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	m := newMeasured()
	v, iss := newIssued(t)
	g := newGuard(t, middleware.Config{Verifier: v, MeterProvider: m.meters})
	require := g.Require(allWrites())(handler)
	good := iss.Token(jwkstest.Claims{"scope": "orders.read orders.write"})
	serve(require, withToken(good))
	serve(require, withToken(good))
	serve(require, withToken(iss.Token()))
	serve(require, withToken(iss.Token(jwkstest.Claims{"aud": "api://other"})))
	serve(require, withToken(iss.Token(jwkstest.Claims{"iss": "https://elsewhere.example"})))
	serve(require, request())
	serve(g.Optional(handler), request())
	assert.Equal(t, map[string]int64{
		"issuer=https://issuer.example outcome=verified":                          2,
		"issuer=https://issuer.example outcome=refused reason=insufficient_scope": 1,
		"issuer=https://issuer.example outcome=refused reason=wrong_audience":     1,
		"outcome=refused reason=unknown_issuer":                                   1,
		"outcome=refused reason=no_token":                                         1,
		"outcome=anonymous":                                                       1,
	}, m.counts(t))
	assert.Equal(t, map[string]int64{
		"outcome=verified seen=true":  1,
		"outcome=verified seen=false": 1,
		"outcome=refused seen=false":  3,
	}, m.series(t, "sallyport.check.duration"), "where no token came there was no check")
	scopes := m.scopes(t)
	assert.Len(t, scopes, 1)
	assert.Equal(t, "github.com/sallyport-go/sallyport", scopes[0].Scope.Name)
	assert.NotEmpty(t, scopes[0].Scope.Version)
}

// An alarm on an increase misses the first one where the series begins with it.
func TestTheSeriesOfAlarmsAreThereFromTheStart(t *testing.T) {
	t.Parallel()
	for outcome, shadow := range map[string]bool{"refused": false, "shadow": true} {
		m := newMeasured()
		v, _ := newIssued(t)
		cfg := middleware.Config{MeterProvider: m.meters, Shadow: shadow}
		require.NoError(t, cfg.Validate())
		assert.Empty(t, m.series(t, "sallyport.requests"), "a configuration that is looked at counts nothing")
		cfg.Verifier = v
		newGuard(t, cfg)
		got := slices.Sorted(maps.Keys(m.series(t, "sallyport.requests")))
		var want []string
		for _, code := range []reason.Code{"keys_unavailable", "revocation_unavailable", "unknown_key", "unusable_key", "bad_signature", "expired", "not_yet_valid", "issued_in_future", "wrong_audience", "insufficient_scope", "insufficient_role"} {
			want = append(want, "issuer=https://issuer.example outcome="+outcome+" reason="+string(code))
		}
		for _, code := range []reason.Code{"no_token", "invalid_request", "malformed", "unknown_issuer", "unknown_tenant"} {
			want = append(want, "outcome="+outcome+" reason="+string(code))
		}
		want = append(want, "issuer=https://issuer.example outcome=verified")
		assert.Equal(t, slices.Sorted(slices.Values(want)), got)
		assert.Empty(t, m.counts(t))
	}
}

// Whatever comes, there are as many series as the configuration has names for.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	m := newMeasured()
	v := &issued{tokens: newTokens(t)}
	for i := range 80 {
		v.names = append(v.names, fmt.Sprintf("https://%d.example", i))
	}
	g := newGuard(t, middleware.Config{Verifier: v, MeterProvider: m.meters})
	for i := range 500 {
		v.errs["t"] = &verifier.Error{Reason: reason.Code(fmt.Sprint("code", i)), Issuer: fmt.Sprintf("https://%d.example", i)}
		serve(g.Authenticate(handler), withToken("t"))
	}
	counts := m.counts(t)
	assert.Len(t, counts, 51)
	assert.Equal(t, int64(1), counts["issuer=https://49.example outcome=refused reason=other"])
	assert.Equal(t, int64(450), counts["issuer=other outcome=refused reason=other"])
	assert.Less(t, len(m.series(t, "sallyport.requests")), 2000, "the bound of the SDK")
}

func TestAVerifierThatNamesNoIssuersIsCountedWithoutThem(t *testing.T) {
	t.Parallel()
	m := newMeasured()
	g := newGuard(t, middleware.Config{MeterProvider: m.meters})
	serve(g.Authenticate(handler), withToken(reader))
	serve(g.Authenticate(handler), withToken("bad"))
	assert.Equal(t, map[string]int64{"outcome=verified": 1, "issuer=other outcome=refused reason=bad_signature": 1}, m.counts(t))
}

func TestADecisionIsWrittenIntoTheSpanOfItsRequest(t *testing.T) {
	t.Parallel()
	v, iss := newIssued(t)
	for _, row := range []struct {
		name string
		on   bool
		auth []string
		want string
	}{
		{"a good token", true, []string{"Bearer " + iss.Token()}, "issuer=https://issuer.example outcome=verified seen=false"},
		{"a bad one", true, []string{"Bearer " + iss.Token(jwkstest.Claims{"aud": "api://other"})}, "issuer=https://issuer.example outcome=refused reason=wrong_audience seen=false"},
		{"none", true, nil, "outcome=refused reason=no_token"},
		{"not asked for", false, nil, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := newMeasured()
			g := newGuard(t, middleware.Config{Verifier: v, SpanAttributes: row.on})
			ctx, span := m.traces.Tracer("").Start(t.Context(), "request")
			serve(g.Authenticate(handler), request(row.auth...).WithContext(ctx))
			span.End()
			set := attribute.NewSet(m.spans.Ended()[0].Attributes()...)
			var got []string
			for _, kv := range set.ToSlice() {
				got = append(got, strings.TrimPrefix(string(kv.Key), "sallyport.")+"="+kv.Value.String())
			}
			assert.Equal(t, row.want, strings.Join(got, " "))
			serve(g.Authenticate(handler), request(row.auth...)) // without a span
		})
	}
}
