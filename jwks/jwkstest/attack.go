package jwkstest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Breach is a forgery that an API did not refuse.
type Breach struct {
	Forgery
	Name    string // of the forgery
	Status  int    // that the API answered
	Fetched bool   // the API asked for what the token pointed at
}

// String returns what happened and why it is wrong, without the token.
func (b Breach) String() string {
	switch {
	case b.Fetched:
		return fmt.Sprintf("%s: answered %d after fetching what the token points at: %s", b.Name, b.Status, b.Hole)
	case b.Status == http.StatusForbidden:
		return fmt.Sprintf("%s: answered 403, so the token was believed: %s", b.Name, b.Hole)
	case b.Status >= http.StatusInternalServerError:
		return fmt.Sprintf("%s: answered %d, an error of its own, instead of 401", b.Name, b.Status)
	case b.Status >= http.StatusMultipleChoices:
		return fmt.Sprintf("%s: answered %d instead of 401: whether it was believed is open", b.Name, b.Status)
	default:
		return fmt.Sprintf("%s: got through with %d: %s", b.Name, b.Status, b.Hole)
	}
}

// Attack tries every forgery on an API and reports as errors of the test those
// that get through. api makes one call with the token and returns the status:
//
//	jwkstest.Attack(t, iss, func(token string) int {
//		req := httptest.NewRequest("GET", "/orders", nil)
//		...
//	}, jwkstest.Claims{"scope": "orders.read"})
//
// With the options the issuer must mint a token that the API accepts. It is tried before and after the forgeries: an
// API that refuses every token proves nothing.
//
// A forgery is refused by 401 or 400, by 413 or 431 because of its size, or by 0, which api returns if a client
// cannot even send such a token. 403 is a breach: it means that the token was believed. So is 503: the token is bad,
// not the keys.
//
// An API that accepts [Issuer.OpaqueToken] is tried with every one of [Issuer.ForgedAnswers] too.
func Attack(tb testing.TB, iss *Issuer, api func(token string) (status int), options ...TokenOption) {
	tb.Helper()
	breaches, err := iss.Breaches(api, options...)
	for _, b := range breaches {
		tb.Errorf("jwkstest: %v", b)
	}
	if err != nil {
		tb.Error(err)
	}
}

// AttackHandler is Attack on a handler, which gets copies of request with the tokens in their Authorization header.
//
// Where the handler answers a request without credentials with a challenge of the scheme DPoP, its proofs are attacked
// too: with every one of [Prover.ForgedProofs], with a proof that was used before, and with tokens by the wrong scheme.
// The request must then have the whole address that the API is known by, as in
// httptest.NewRequest("GET", "https://api.example/orders", nil). Where it takes no bearer tokens, the forged tokens come
// with good proofs.
//
// If the token is bound to a certificate that request has, the requests of [Issuer.CertificateForgeries] are tried too:
//
//	jwkstest.AttackHandler(t, iss, api, cert.On(request), cert.Bound())
func AttackHandler(tb testing.TB, iss *Issuer, h http.Handler, request *http.Request, options ...TokenOption) {
	tb.Helper()
	t, bearer := newTarget(iss, h, request, options)
	if bearer {
		Attack(tb, iss, func(token string) int { return t.call("Bearer "+token, nil).Code }, options...)
	} else {
		Attack(tb, iss, func(token string) int { return t.prove(token).Code }, t.bound()...)
	}
	if t.prover != nil {
		t.attackProofs(tb)
	}
	for name, f := range iss.CertificateForgeries(request, options...) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, f.Request)
		if !refused(w.Code) {
			tb.Errorf("jwkstest: %v", Breach{Forgery: Forgery{Reason: f.Reason, Hole: f.Hole}, Name: name, Status: w.Code})
		}
	}
}

// Breaches is Attack without a test. It returns the forgeries that got through,
// and an error if a good token was refused, so that nothing was proven.
func (iss *Issuer) Breaches(api func(token string) (status int), options ...TokenOption) ([]Breach, error) {
	forgeries := iss.Forgeries(options...)
	good := iss.Token(options...)
	if status := api(good); !welcome(status) {
		return nil, fmt.Errorf("jwkstest: the API answers %d to a good token: say with options what a token must have that it accepts", status)
	}
	var breaches []Breach
	for name, f := range forgeries {
		strays := iss.Strays()
		status := api(f.Token)
		fetched := iss.Strays() != strays
		if fetched || !refused(status) {
			breaches = append(breaches, Breach{Forgery: f, Name: name, Status: status, Fetched: fetched})
		}
	}
	for _, token := range []string{good, iss.Token(options...)} {
		if status := api(token); !welcome(status) {
			return breaches, fmt.Errorf("jwkstest: after the attack the API answers %d to a good token", status)
		}
	}
	if !welcome(api(iss.OpaqueToken(options...))) { // the API asks nobody
		return breaches, nil
	}
	more, err := iss.answerBreaches(api, options)
	return append(breaches, more...), err
}

// answerBreaches tries what the issuer might answer about opaque tokens. A good token goes before each: a
// forged answer must not be the reason that nothing is asked.
func (iss *Issuer) answerBreaches(api func(token string) (status int), options []TokenOption) (breaches []Breach, err error) {
	for name, f := range iss.ForgedAnswers(options...) {
		if status := api(iss.OpaqueToken(options...)); !welcome(status) {
			return breaches, fmt.Errorf("jwkstest: before the forged answer %q the API answers %d to a good opaque token", name, status)
		}
		token := iss.OpaqueTokenOf(f)
		strays := iss.Strays()
		status := api(token)
		fetched := iss.Strays() != strays
		isRefused := refused(status) || f.Unusable && status == http.StatusServiceUnavailable
		if fetched || !isRefused {
			breaches = append(breaches, Breach{Forgery: Forgery{Token: token, Reason: f.Reason, Hole: f.Hole}, Name: "introspection: " + name, Status: status, Fetched: fetched})
		}
	}
	return breaches, nil
}

func welcome(status int) bool { return status >= http.StatusOK && status < http.StatusMultipleChoices }

func refused(status int) bool {
	switch status {
	case 0, http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestEntityTooLarge, http.StatusRequestHeaderFieldsTooLarge:
		return true
	}
	return false
}
