package verifier_test

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The policy of fuzzKit told a second time, over maps and without cleverness:
// whether its issuer's token is good.

type plainObject map[string]jsontext.Value

func plainParse(text string) (p plainObject, ok bool) {
	err := json.Unmarshal([]byte(text), &p)
	return p, err == nil && p != nil
}

// text is a string member: absence is "", any other type is not ok.
func (p plainObject) text(name string) (s string, ok bool) {
	v, present := p[name]
	if !present {
		return "", true
	}
	return s, v.Kind() == '"' && json.Unmarshal(v, &s) == nil
}

func (p plainObject) has(name string) bool { _, ok := p[name]; return ok }

// date is a NumericDate; given is false if it is absent.
func (p plainObject) date(name string) (seconds float64, given, ok bool) {
	v, present := p[name]
	if !present {
		return 0, false, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, true, err == nil && v.Kind() == '0' && f >= 0 && f < 253402300800
}

// list is a string or an array of strings.
func (p plainObject) list(name string) (list []string, ok bool) {
	v, present := p[name]
	switch {
	case !present:
		return nil, true
	case v.Kind() == '"':
		s, ok := p.text(name)
		return []string{s}, ok
	case v.Kind() != '[':
		return nil, false
	}
	var elements []jsontext.Value
	if json.Unmarshal(v, &elements) != nil {
		return nil, false
	}
	for _, e := range elements {
		var s string
		if e.Kind() != '"' || json.Unmarshal(e, &s) != nil {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

func plainHeaderOK(text string, es bool) bool {
	h, ok := plainParse(text)
	if !ok || h.has("crit") || h.has("b64") {
		return false
	}
	alg, ok1 := h.text("alg")
	kid, ok2 := h.text("kid")
	typ, ok3 := h.text("typ")
	cty, ok4 := h.text("cty")
	if !ok1 || !ok2 || !ok3 || !ok4 || cty != "" {
		return false
	}
	wantAlg, wantKid := "EdDSA", "d"
	if es {
		wantAlg, wantKid = "ES256", "e"
	}
	typed := !h.has("typ") || slices.Contains([]string{"at+jwt", "application/at+jwt", "jwt"}, asciiLower(typ))
	return alg == wantAlg && (kid == "" || kid == wantKid) && typed
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func plainPayloadOK(text string) bool {
	p, ok := plainParse(text)
	return ok && p.typed() && p.issued() && p.timely() && p.accessToken()
}

// typed wants the registered and the mapped claims to be of their types.
func (p plainObject) typed() bool {
	for _, name := range []string{"iss", "sub", "jti"} {
		if _, ok := p.text(name); !ok {
			return false
		}
	}
	for _, first := range [][]string{{"scope", "scp"}, {"roles"}, {"permissions"}} {
		if at := slices.IndexFunc(first, p.has); at >= 0 {
			if _, ok := p.list(first[at]); !ok {
				return false
			}
		}
	}
	clients := []string{"client_id", "azp", "appid", "cid"}
	if at := slices.IndexFunc(clients, p.has); at >= 0 {
		if _, ok := p.text(clients[at]); !ok {
			return false
		}
	}
	return true
}

func (p plainObject) issued() bool {
	iss, ok1 := p.text("iss")
	tid, ok2 := p.text("tid")
	audiences, ok3 := p.list("aud")
	if !ok1 || !ok3 || !slices.Contains(audiences, fuzzAudience) {
		return false
	}
	return iss == fuzzIssuer || iss == strings.Replace(fuzzTemplate, "{tenantid}", fuzzTenant, 1) && ok2 && tid == fuzzTenant
}

func (p plainObject) timely() bool {
	const leeway = 30
	exp, expires, ok1 := p.date("exp")
	nbf, _, ok2 := p.date("nbf")
	iat, _, ok3 := p.date("iat")
	return ok1 && ok2 && ok3 && expires && fuzzNow < exp+leeway && fuzzNow >= nbf-leeway && fuzzNow >= iat-leeway
}

// accessToken refuses what is marked as another kind of token, or as bound.
func (p plainObject) accessToken() bool {
	typ, isText := p.text("typ")
	if isText && slices.Contains([]string{"ID", "Refresh", "Offline", "Logout"}, typ) {
		return false
	}
	use, isText := p.text("token_use")
	return (!isText || use != "id") && !p.has("at_hash") && !p.has("c_hash") && !p.has("events") && !p.has("cnf")
}
