package corpus_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/corpus"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// driver asks Sallyport about cases, at one moment or at that of each policy.
type driver struct {
	t         *testing.T
	now       time.Time // zero: the policy's
	policies  map[string]corpus.Policy
	sets      map[string]jwks.KeySet
	verifiers map[[2]string]*verifier.Verifier
}

func newDriver(t *testing.T, now time.Time) *driver {
	t.Helper()
	return &driver{t, now, map[string]corpus.Policy{}, map[string]jwks.KeySet{}, map[[2]string]*verifier.Verifier{}}
}

// reason returns with which reason a case is refused, "" if it is not.
func (d *driver) reason(c corpus.Case) reason.Code {
	d.t.Helper()
	v, policy := d.verifier(c), d.policy(c.Policy)
	if c.Request == nil {
		_, err := v.Verify(context.Background(), c.Token)
		if err == nil {
			return ""
		}
		var refused *verifier.Error
		require.ErrorAs(d.t, err, &refused)
		return refused.Reason
	}
	binding := must(dpop.New(dpop.Config{
		Origin: "https://api.example", Algorithms: policy.DPoP.Algorithms, Window: time.Duration(policy.DPoP.Window) * time.Second, Required: true,
		Now: func() time.Time { return time.Unix(policy.Now, 0) },
	}))
	guard := must(middleware.New(middleware.Config{Verifier: v, Bindings: []middleware.Binding{binding}}))
	r := httptest.NewRequestWithContext(d.t.Context(), c.Request.Method, c.Request.URL, nil)
	r.Header = http.Header{"Authorization": {"DPoP " + c.Token}}
	if len(c.Request.Proofs) > 0 {
		r.Header["Dpop"] = c.Request.Proofs
	}
	_, _, err := guard.Check(r, claims.AnyToken())
	var refused *middleware.Error
	if errors.As(err, &refused) {
		return refused.Reason
	}
	require.NoError(d.t, err)
	return ""
}

func (d *driver) policy(name string) corpus.Policy {
	d.t.Helper()
	p, ok := d.policies[name]
	if !ok {
		require.NoError(d.t, json.Unmarshal(read(d.t, "policies/"+name), &p))
		d.policies[name] = p
	}
	return p
}

// keys returns a key set as a Fetcher has it that got the file.
func (d *driver) keys(name string) jwks.KeySet {
	d.t.Helper()
	if set := d.sets[name]; set != nil {
		return set
	}
	text := read(d.t, "keys/"+name)
	set, err := jwks.ParseStatic(text)
	if err != nil { // no key of it is usable
		fetcher := must(jwks.NewFetcher(jwks.FetcherConfig{
			Issuer: "https://issuer.example/", JWKSURL: "https://issuer.example/jwks", Client: &http.Client{Transport: document(text)},
		}))
		d.t.Cleanup(func() { assert.NoError(d.t, fetcher.Close()) })
		set = fetcher
	}
	d.sets[name] = set
	return set
}

func (d *driver) verifier(c corpus.Case) *verifier.Verifier {
	d.t.Helper()
	at := [2]string{c.Keys, c.Policy}
	if v := d.verifiers[at]; v != nil {
		return v
	}
	p := d.policy(c.Policy)
	now := d.now
	if now.IsZero() {
		now = time.Unix(p.Now, 0)
	}
	d.verifiers[at] = must(verifier.New(verifier.Config{
		Issuers: []verifier.Issuer{{
			Name: p.Issuer, Audiences: []string{p.Audience}, Keys: d.keys(c.Keys), Algorithms: p.Algorithms, Types: p.Types,
		}},
		Leeway: time.Duration(p.Leeway) * time.Second, CacheBytes: -1, Now: func() time.Time { return now },
	}))
	return d.verifiers[at]
}

// TestSallyportGivesEachVerdictAndReason reads the files as anybody would.
func TestSallyportGivesEachVerdictAndReason(t *testing.T) {
	t.Parallel()
	d := newDriver(t, time.Time{})
	for _, c := range cases(t) {
		got := d.reason(c)
		assert.Equal(t, c.Reason, got, c.Name)
		assert.Equal(t, c.Verdict == corpus.Good, got == "", c.Name)
	}
}

// TestVerdictsAreTrueForDecades asks again by other clocks. Proofs are young by nature, and have their policy's own.
func TestVerdictsAreTrueForDecades(t *testing.T) {
	t.Parallel()
	for _, year := range []int{2026, 2040, 2065, 2089} {
		d := newDriver(t, time.Date(year, time.June, 1, 12, 0, 0, 0, time.UTC))
		for _, c := range cases(t) {
			if c.Request == nil {
				assert.Equal(t, c.Reason, d.reason(c), "%d: %s", year, c.Name)
			}
		}
	}
}
