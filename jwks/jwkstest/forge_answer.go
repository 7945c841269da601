package jwkstest

import (
	"iter"
	"maps"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-go/sallyport/reason"
)

// ForgedAnswer is an answer of an introspection endpoint about a token that must be refused because of it. It differs
// from the answer about a good token in one thing only. [Issuer.OpaqueTokenOf] gives a token for it.
type ForgedAnswer struct {
	Status      int    // 0 is 200
	ContentType string // "" is application/json
	Location    string // "" is none
	Body        string

	Reason   reason.Code // with which a verifier of this module refuses the token
	Unusable bool        // it says nothing of the token: 503 is the answer to the caller
	Hole     string      // what is wrong with an API that accepts it
}

func (f ForgedAnswer) write(w http.ResponseWriter) {
	contentType := f.ContentType
	if contentType == "" {
		contentType = "application/json"
	}
	w.Header().Set("Content-Type", contentType)
	if f.Location != "" {
		w.Header().Set("Location", f.Location)
	}
	if f.Status != 0 {
		w.WriteHeader(f.Status)
	}
	_, _ = w.Write([]byte(f.Body))
}

const (
	holeActive   = "active is not read as the boolean that it is (RFC 7662 section 2.2)"
	holeAnswer   = "what the endpoint sent is no answer (RFC 7662 section 2.2)"
	holeStatus   = "an error of the endpoint is taken for an answer (RFC 7662 section 2.3)"
	holeVouched  = "what the issuer says of the token is not checked (RFC 7662 section 4)"
	holeOtherUse = "another kind of token passes for an access token (RFC 7662 section 2.1)"
)

// ForgedAnswers yields every known answer about an opaque token that must not open an API, each under a name of its
// own. Give the options that make a token which the API accepts. Those with Unusable are signs of a broken endpoint.
func (iss *Issuer) ForgedAnswers(options ...TokenOption) iter.Seq2[string, ForgedAnswer] {
	good := merge(iss.draft(options).claims, map[string]any{"active": true})
	f := &answerForger{iss: iss, good: good}
	return func(yield func(string, ForgedAnswer) bool) {
		for _, group := range []func() []forgedAnswer{f.actives, f.claims, f.kinds, f.texts, f.responses} {
			for _, one := range group() {
				if !yield(one.name, one.ForgedAnswer) {
					return
				}
			}
		}
	}
}

type forgedAnswer struct {
	name string
	ForgedAnswer
}

type answerForger struct {
	iss  *Issuer
	good map[string]any
}

// body returns the good answer, changed by members.
func (f *answerForger) body(members Claims) string {
	m := maps.Clone(f.good)
	maps.Copy(m, members)
	return f.iss.text(nil, m)
}

func (f *answerForger) wrong(name string, why reason.Code, hole string, members Claims) forgedAnswer {
	return forgedAnswer{name, ForgedAnswer{Body: f.body(members), Reason: why, Hole: hole}}
}

func unusable(name, hole, body string) forgedAnswer {
	return forgedAnswer{name, ForgedAnswer{Body: body, Reason: reason.IntrospectionUnavailable, Unusable: true, Hole: hole}}
}

// actives: active is anything but the boolean true.
func (f *answerForger) actives() []forgedAnswer {
	without := f.body(Claims{"active": nil})
	members := strings.TrimPrefix(without, "{")
	return []forgedAnswer{
		f.wrong("active: false, with all claims", reason.Inactive, holeActive, Claims{"active": false}),
		{"active: false and nothing else", ForgedAnswer{Body: `{"active":false}`, Reason: reason.Inactive, Hole: holeActive}},
		unusable("active: missing", holeActive, without),
		unusable(`active: the string "true"`, holeActive, f.body(Claims{"active": "true"})),
		unusable("active: 1", holeActive, f.body(Claims{"active": 1})),
		unusable("active: null", holeActive, f.body(Claims{"active": jsontext.Value("null")})),
		unusable("active: an array", holeActive, f.body(Claims{"active": []bool{true}})),
		unusable("active: an object", holeActive, f.body(Claims{"active": map[string]bool{"active": true}})),
		unusable("active: in another case", holeActive, `{"Active":true,`+members),
		unusable("active: twice, true last", holeActive, `{"active":false,"active":true,`+members),
		unusable("active: twice, true first", holeActive, `{"active":true,"active":false,`+members),
		unusable("active: twice, once escaped", holeActive, `{"active":false,"\u0061ctive":true,`+members),
		unusable("active: one level down", holeActive, `{"token_introspection":`+f.body(nil)+`}`),
	}
}

// claims: the token is active, and not for this API, or not now.
func (f *answerForger) claims() []forgedAnswer {
	now := f.iss.now()
	ago, ahead := now.Add(-time10), now.Add(time10)
	out := []forgedAnswer{
		f.wrong("iss: another issuer", reason.UnknownIssuer, holeVouched, Claims{"iss": "https://attacker.example/"}),
		f.wrong("iss: with a slash more", reason.UnknownIssuer, holeVouched, Claims{"iss": f.iss.name + "/"}),
		f.wrong("iss: an array", reason.UnknownIssuer, holeVouched, Claims{"iss": []string{f.iss.name}}),
		f.wrong("aud: another API", reason.WrongAudience, holeVouched, Claims{"aud": "api://another"}),
		f.wrong("aud: other APIs", reason.WrongAudience, holeVouched, Claims{"aud": []string{"api://another", "https://api.example/"}}),
		f.wrong("aud: the issuer", reason.WrongAudience, holeVouched, Claims{"aud": f.iss.name}),
		f.wrong("exp: ten minutes ago", reason.Expired, holeVouched, Claims{"exp": ago}),
		f.wrong("exp: null", reason.MalformedClaims, holeVouched, Claims{"exp": jsontext.Value("null")}),
		f.wrong("exp: a string", reason.MalformedClaims, holeVouched, Claims{"exp": "tomorrow"}),
		f.wrong("exp: in milliseconds", reason.MalformedClaims, holeVouched, Claims{"exp": ahead.UnixMilli()}),
		f.wrong("nbf: in ten minutes", reason.NotYetValid, holeVouched, Claims{"nbf": ahead}),
		f.wrong("iat: in ten minutes", reason.IssuedInFuture, holeVouched, Claims{"iat": ahead}),
		f.wrong("sub: a number", reason.MalformedClaims, holeVouched, Claims{"sub": 1}),
		f.wrong("scope: a number", reason.MalformedClaims, holeVouched, Claims{"scope": 1}),
		f.wrong("cnf: a key of DPoP", reason.UnsupportedBinding, holeBinding, Claims{"cnf": map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}),
		f.wrong("cnf: a certificate", reason.UnsupportedBinding, holeBinding, Claims{"cnf": map[string]any{"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}}),
	}
	if f.good["aud"] != nil {
		out = append(out,
			f.wrong("aud: missing", reason.MissingClaim, holeVouched, Claims{"aud": nil}),
			f.wrong("aud: empty", reason.WrongAudience, holeVouched, Claims{"aud": []string{}}),
			f.wrong("aud: the client that asks", reason.WrongAudience, holeVouched, Claims{"aud": IntrospectionClient}))
	}
	return out
}

// kinds: the token is another one than an access token, or used in another way.
func (f *answerForger) kinds() []forgedAnswer {
	return []forgedAnswer{
		f.wrong("token_use: refresh_token", reason.UnsupportedType, holeOtherUse, Claims{"token_use": "refresh_token"}),
		f.wrong("token_type: refresh_token", reason.UnsupportedType, holeOtherUse, Claims{"token_type": "refresh_token"}),
		f.wrong("token_use: id", reason.UnsupportedType, holeOtherUse, Claims{"token_use": "id"}),
		f.wrong("typ: Refresh", reason.UnsupportedType, holeOtherUse, Claims{"typ": "Refresh"}),
		f.wrong("at_hash: of an ID token", reason.UnsupportedType, holeOtherUse, Claims{"at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"}),
		f.wrong("token_type: DPoP without a key", reason.UnsupportedBinding, holeBinding, Claims{"token_type": "DPoP"}),
	}
}

// texts: the body is no JSON object, or could be read in two ways.
func (f *answerForger) texts() []forgedAnswer {
	good := f.body(nil)
	return []forgedAnswer{
		unusable("body: empty", holeAnswer, ""),
		unusable("body: true", holeAnswer, "true"),
		unusable("body: an array", holeAnswer, "["+good+"]"),
		unusable("body: two objects", holeAnswer, good+good),
		unusable("body: cut", holeAnswer, good[:len(good)-1]),
		unusable("body: with a comment", holeAnswer, "/**/"+good),
		unusable("body: no UTF-8", holeAnswer, `{"x":"`+"\xff"+`",`+good[1:]),
		unusable("body: scope twice", holeAnswer, `{"scope":"a","scope":"b",`+strings.TrimPrefix(f.body(Claims{"scope": nil}), "{")),
		unusable("body: aud twice", holeAnswer, `{"aud":"api://another",`+strings.TrimPrefix(f.body(Claims{"aud": f.iss.Audience()}), "{")),
		unusable("body: without end", holeAnswer, `{"x":"`+strings.Repeat("x", 1<<20)+`",`+good[1:]),
		unusable("body: nested without end", holeAnswer, `{"x":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`,`+good[1:]),
	}
}

// responses: the answer is good but for what surrounds it.
func (f *answerForger) responses() []forgedAnswer {
	good := f.body(nil)
	with := func(name, hole string, a ForgedAnswer) forgedAnswer {
		a.Body, a.Reason, a.Unusable, a.Hole = good, reason.IntrospectionUnavailable, true, hole
		return forgedAnswer{name, a}
	}
	jwt := unusable("type: a signed answer that was not asked for", holeAnswer, f.iss.Token(Claims{"active": true}, Header{"typ": "token-introspection+jwt"}))
	jwt.ContentType = "application/token-introspection+jwt"
	return []forgedAnswer{
		jwt,
		with("type: text/html", holeAnswer, ForgedAnswer{ContentType: "text/html"}),
		with("type: text/plain", holeAnswer, ForgedAnswer{ContentType: "text/plain; charset=utf-8"}),
		with("type: of problem details", holeAnswer, ForgedAnswer{ContentType: "application/problem+json"}),
		with("status: 201", holeStatus, ForgedAnswer{Status: http.StatusCreated}),
		with("status: 206", holeStatus, ForgedAnswer{Status: http.StatusPartialContent}),
		with("status: 307 to elsewhere", holeStatus, ForgedAnswer{Status: http.StatusTemporaryRedirect, Location: f.iss.URL() + "/elsewhere"}),
		with("status: 302 to elsewhere", holeStatus, ForgedAnswer{Status: http.StatusFound, Location: f.iss.URL() + "/elsewhere"}),
		with("status: 400", holeStatus, ForgedAnswer{Status: http.StatusBadRequest}),
		with("status: 401", holeStatus, ForgedAnswer{Status: http.StatusUnauthorized}),
		with("status: 403", holeStatus, ForgedAnswer{Status: http.StatusForbidden}),
		with("status: 404", holeStatus, ForgedAnswer{Status: http.StatusNotFound}),
		with("status: 500", holeStatus, ForgedAnswer{Status: http.StatusInternalServerError}),
		with("status: 502", holeStatus, ForgedAnswer{Status: http.StatusBadGateway}),
	}
}
