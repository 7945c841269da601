package jwkstest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// challenged returns what the API asks of proofs: their algorithms, "" if it names no scheme DPoP, and whether it takes
// bearer tokens too.
func challenged(lines []string) (algs string, proofs, bearer bool) {
	for _, line := range lines {
		scheme, params, _ := strings.Cut(strings.TrimSpace(line), " ")
		bearer = bearer || strings.EqualFold(scheme, "Bearer")
		if !strings.EqualFold(scheme, "DPoP") {
			continue
		}
		proofs = true
		if _, rest, ok := strings.Cut(params, `algs="`); ok {
			algs, _, _ = strings.Cut(rest, `"`)
		}
	}
	return algs, proofs, bearer
}

// target is an API that is attacked by calls of its handler.
type target struct {
	iss     *Issuer
	handler http.Handler
	request *http.Request
	prover  *Prover // of a client; nil where the API takes no proofs
	options []TokenOption
	nonce   string
}

// newTarget asks the API without credentials what it takes.
func newTarget(iss *Issuer, h http.Handler, request *http.Request, options []TokenOption) (t *target, bearer bool) {
	t = &target{iss: iss, handler: h, request: request, options: options}
	algs, proofs, bearer := challenged(t.call("", nil).Header().Values("WWW-Authenticate"))
	if !proofs {
		return t, true
	}
	for alg := range strings.FieldsSeq(algs + " ES256") {
		if a, known := algorithms[alg]; known && a.kind != mac {
			t.prover = iss.NewProver(alg)
			break
		}
	}
	return t, bearer
}

// call makes one call, with the lines of the header DPoP.
func (t *target) call(authorization string, proofs []string) *httptest.ResponseRecorder {
	r := again(t.request)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if len(proofs) > 0 {
		r.Header["Dpop"] = proofs
	}
	w := httptest.NewRecorder()
	t.handler.ServeHTTP(w, r)
	return w
}

// prove makes a call with a token and a good proof for it, and another one where the API asks for a nonce.
func (t *target) prove(token string, options ...TokenOption) *httptest.ResponseRecorder {
	for try := 0; ; try++ {
		w := t.call("DPoP "+token, []string{t.proof(token, options...)})
		nonce := w.Header().Get("DPoP-Nonce")
		if nonce != "" {
			t.nonce = nonce
		}
		if nonce == "" || w.Code != http.StatusUnauthorized || try > 0 {
			return w
		}
	}
}

func (t *target) proof(token string, options ...TokenOption) string {
	return t.prover.Proof(t.request.Method, addressOf(t.request), token, append(t.withNonce(), options...)...)
}

func (t *target) withNonce() []TokenOption {
	if t.nonce == "" {
		return nil
	}
	return []TokenOption{Claims{"nonce": t.nonce}}
}

// bound are the options for a token that is bound to the client's key.
func (t *target) bound() []TokenOption {
	return append(t.options[:len(t.options):len(t.options)], t.prover.Bound())
}

// attackProofs tries every forged proof, and the tricks that take more than one request.
func (t *target) attackProofs(tb testing.TB) {
	tb.Helper()
	token := t.iss.Token(t.bound()...)
	if w := t.prove(token); !welcome(w.Code) {
		tb.Errorf("jwkstest: the API answers %d to a good token with a good proof for %s %s: give the request the address that it is known by, as in httptest.NewRequest(\"GET\", \"https://api.example/orders\", nil)",
			w.Code, t.request.Method, addressOf(t.request))
		return
	}
	report := func(name, hole string, status int) {
		if !refused(status) {
			tb.Errorf("jwkstest: %v", Breach{Name: "proof: " + name, Status: status, Forgery: Forgery{Hole: hole}})
		}
	}
	for name, f := range t.prover.ForgedProofs(t.request.Method, addressOf(t.request), token, t.withNonce()...) {
		report(name, f.Hole, t.call("DPoP "+token, f.Proofs).Code)
	}
	used := t.proof(token, Claims{"jti": "used-once"})
	if w := t.call("DPoP "+token, []string{used}); !welcome(w.Code) {
		tb.Errorf("jwkstest: after the forged proofs the API answers %d to a good one", w.Code)
	}
	report("replay: the same proof again", holeReplay, t.call("DPoP "+token, []string{used}).Code)
	report("replay: its jti in another proof", holeReplay, t.call("DPoP "+token, []string{t.proof(token, Claims{"jti": "used-once", "more": 1})}).Code)
	report("scheme: a bound token by Bearer, without a proof", holeDowngrade, t.call("Bearer "+token, nil).Code)
	report("scheme: a bound token by Bearer, with a good proof", holeDowngrade, t.call("Bearer "+token, []string{t.proof(token)}).Code)
	free := t.iss.Token(t.options...)
	report("scheme: a token that is bound to nothing, with a good proof", holeUnbound, t.call("DPoP "+free, []string{t.proof(free)}).Code)
	for name, jkt := range map[string]any{"empty": "", "a number": 1, "in a list": []string{t.prover.Thumbprint()}, "of another key": hashOf("x"), "in other case": folded(t.prover.Thumbprint())} {
		other := t.iss.Token(append(t.bound(), Claims{"cnf": map[string]any{"jkt": jkt}})...)
		report("cnf.jkt: "+name, holeJkt, t.call("DPoP "+other, []string{t.proof(other)}).Code)
	}
	if w := t.prove(t.iss.Token(t.bound()...)); !welcome(w.Code) {
		tb.Errorf("jwkstest: after the attack the API answers %d to a good proof", w.Code)
	}
}

const (
	holeDowngrade = "a bound token is good as a bearer token (RFC 9449 section 7.2)"
	holeUnbound   = "a token that is bound to nothing passes for one that is (RFC 9449 section 7.1)"
)
