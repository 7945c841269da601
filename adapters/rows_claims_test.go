package adapters_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

func in(d time.Duration) int64 { return now.Add(d).Unix() }

// claimRows are what a verified signature covers.
func (f *fixture) claimRows() []row {
	claim := func(name string, value any) string { return f.good(jwkstest.Claims{name: value}) }
	raw := func(name, text string) string { return claim(name, json.RawMessage(text)) }
	iss := f.issuer.Issuer()
	return []row{
		row{name: "33 exp with a fraction", token: raw("exp", fmt.Sprint(in(time.Hour), ".5"))}.accepted(hello),
		row{name: "33 exp with an exponent", token: raw("exp", "4e9")}.accepted(hello),
		row{name: "33 exp is a string", token: raw("exp", `"9999999999"`)}.invalidToken(reason.MalformedClaims),
		row{name: "33 exp is null", token: raw("exp", "null")}.invalidToken(reason.MalformedClaims),
		row{name: "33 exp overflows", token: raw("exp", "1e400")}.invalidToken(reason.MalformedClaims),
		row{name: "33 exp is negative", token: raw("exp", "-1")}.invalidToken(reason.MalformedClaims),
		row{name: "34 a slash behind iss", token: claim("iss", iss+"/")}.invalidToken(reason.UnknownIssuer),
		row{name: "34 iss in capital letters", token: claim("iss", strings.ToUpper(iss))}.invalidToken(reason.UnknownIssuer),
		row{name: "34 iss escaped", token: claim("iss", strings.Replace(iss, "127", "%3127", 1))}.invalidToken(reason.UnknownIssuer),
		row{name: "34 a slash behind aud", token: claim("aud", audience+"/")}.invalidToken(reason.WrongAudience),
		row{name: "34 aud in capital letters", token: claim("aud", "API://ORDERS")}.invalidToken(reason.WrongAudience),
		row{name: "34 aud with a default port", token: claim("aud", "api://orders:443")}.invalidToken(reason.WrongAudience),
		row{name: "35 aud is a list", token: claim("aud", []string{"x", audience})}.accepted(hello),
		row{name: "35 aud is an empty list", token: claim("aud", []string{})}.invalidToken(reason.WrongAudience),
		row{name: "35 aud is a list of numbers", token: claim("aud", []int{1})}.invalidToken(reason.MalformedClaims),
		row{name: "35 aud only begins like ours", token: claim("aud", audience+"-internal")}.invalidToken(reason.WrongAudience),
		row{name: "35 aud is a part of ours", token: claim("aud", "orders")}.invalidToken(reason.WrongAudience),
		row{name: "36 expired", token: claim("exp", in(-time.Minute))}.invalidToken(reason.Expired),
		row{name: "36 expired within the leeway", token: claim("exp", in(-10*time.Second))}.accepted(hello),
		row{name: "36 not yet valid", token: claim("nbf", in(5*time.Minute))}.invalidToken(reason.NotYetValid),
		row{name: "36 not yet valid within the leeway", token: claim("nbf", in(10*time.Second))}.accepted(hello),
		row{name: "36 issued in the future", token: claim("iat", in(5*time.Minute))}.invalidToken(reason.IssuedInFuture),
		row{name: "38 claims that nobody knows", token: claim("urn:example:x", map[string]any{"y": []int{1}})}.accepted(hello),
		row{name: "41 no iss", token: claim("iss", nil)}.invalidToken(reason.MissingClaim),
		row{name: "41 another iss", token: claim("iss", "https://issuer.example")}.invalidToken(reason.UnknownIssuer),
		row{name: "41 no aud", token: claim("aud", nil)}.invalidToken(reason.MissingClaim),
		row{name: "41 no exp", token: claim("exp", nil)}.invalidToken(reason.MissingClaim),
		row{name: "49 another API's token", token: claim("aud", "api://invoices")}.invalidToken(reason.WrongAudience),
		row{name: "a token that is bound to a key", token: claim("cnf", map[string]any{"jkt": "x"})}.invalidToken(reason.UnsupportedBinding),
		row{name: "a token that was revoked", token: claim("sub", "revoked")}.invalidToken(reason.Revoked),
	}
}

// profileRows are RFC 9068, and other kinds of JWTs.
func (f *fixture) profileRows() []row {
	typ := func(value any) string { return f.good(jwkstest.Header{"typ": value}) }
	rows := []row{
		row{name: "39 strict: at+jwt", gate: "strict", token: f.good()}.accepted(hello),
		row{name: "39 strict: application/at+jwt", gate: "strict", token: typ("application/at+jwt")}.accepted(hello),
		row{name: "39 strict: JWT", gate: "strict", token: typ("JWT")}.invalidToken(reason.UnsupportedType),
		row{name: "39 strict: no typ", gate: "strict", token: typ(nil)}.invalidToken(reason.UnsupportedType),
		row{name: "39 not strict: JWT", token: typ("JWT")}.accepted(hello),
		row{name: "39 not strict: no typ", token: typ(nil)}.accepted(hello),
		row{name: "40 AT+JWT", gate: "strict", token: typ("AT+JWT")}.accepted(hello),
		row{name: "48 an ID token by its typ", token: f.good(jwkstest.Claims{"typ": "ID"})}.invalidToken(reason.UnsupportedType),
		row{name: "48 an ID token by its hash", token: f.good(jwkstest.Claims{"at_hash": "x"})}.invalidToken(reason.UnsupportedType),
		row{name: "48 an ID token of Cognito", token: f.good(jwkstest.Claims{"token_use": "id"})}.invalidToken(reason.UnsupportedType),
	}
	for _, name := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} {
		without := f.good(jwkstest.Claims{name: nil})
		rows = append(rows, row{name: "43 strict: without " + name, gate: "strict", token: without}.invalidToken(reason.MissingClaim))
	}
	for _, kind := range []string{"logout+jwt", "dpop+jwt", "secevent+jwt", "token-introspection+jwt", "jwt ", "at+jw"} {
		rows = append(rows, row{name: "48 typ " + kind, token: typ(kind)}.invalidToken(reason.UnsupportedType))
	}
	return rows
}

// accessRows are what a good token may do.
func (f *fixture) accessRows() []row {
	level := func(names ...string) string { return f.issuer.Token(scope(names...)) }
	app := func(roles ...string) string {
		return f.issuer.Token(jwkstest.Claims{"roles": roles, "idtyp": "app"})
	}
	admin := f.issuer.Token(jwkstest.Claims{"roles": []string{"Orders.Owner"}})
	rows := []row{
		row{name: "49 an app calls", target: "/apps", token: app("x")}.accepted(hello),
		row{name: "49 a user calls what is for apps", target: "/apps", token: f.good(jwkstest.Claims{"idtyp": "user"})}.forbidden(reason.WrongCaller, ""),
		row{name: "45 a role lets through", method: "DELETE", target: "/orders/7", token: admin}.accepted(hello),
		row{name: "46 a missing role names no scope", method: "DELETE", target: "/orders/7", token: f.good()}.forbidden(reason.InsufficientRole, ""),
		row{name: "any token will do", target: "/whoami", token: f.issuer.Token()}.accepted(hello),
		row{name: "but none will not", target: "/whoami"}.noToken(reason.NoToken),
		row{name: "two doors, one verification", target: "/twice", token: f.good()}.accepted(hello),
		row{name: "optional and there", target: "/home", token: f.issuer.Token()}.accepted(hello),
		row{name: "optional and bad", target: "/home", token: tampered(f.good())}.invalidToken(reason.BadSignature),
		row{name: "optional and malformed", target: "/home", header: []string{"Authorization: Bearer"}}.invalidRequest(),
		{name: "optional and not there", target: "/home", status: 200, outcome: "anonymous", answer: nobodyYet},
		row{name: "level get, qualified", target: "/levels", token: level(audience + "/get")}.accepted(hello),
		row{name: "level get of another resource", target: "/levels", token: level("api://invoices/get")}.forbidden(reason.InsufficientScope, "get"),
		row{name: "level get in capital letters", target: "/levels", token: level("GET")}.forbidden(reason.InsufficientScope, "get"),
		row{name: "level get of an app by role", target: "/levels", token: app("get")}.accepted(hello),
		row{name: "level get of a user by role", target: "/levels", token: f.issuer.Token(jwkstest.Claims{"roles": []string{"get"}, "idtyp": "user"})}.forbidden(reason.InsufficientScope, "get"),
		row{name: "no level by default", target: "/levels", token: level(".default")}.forbidden(reason.InsufficientScope, "get"),
		row{name: "no level for OPTIONS", method: "OPTIONS", target: "/levels", token: level("get", "post", "put", "delete")}.forbidden(reason.Denied, ""),
		row{name: "no token for OPTIONS", method: "OPTIONS", target: "/levels"}.noToken(reason.NoToken),
		row{name: "a table denies a forgotten route", wirings: []string{"table"}, target: "/forgotten", token: f.good()}.forbidden(reason.Denied, ""),
		row{name: "and wants a token first", wirings: []string{"table"}, target: "/forgotten"}.noToken(reason.NoToken),
		row{name: "a table denies what is no route", wirings: []string{"table"}, target: "/nowhere", token: f.good()}.forbidden(reason.Denied, ""),
		row{name: "and wants a token first, no route or not", wirings: []string{"table"}, target: "/nowhere"}.noToken(reason.NoToken),
		row{name: "a table denies a method without an entry", wirings: []string{"table"}, method: "PATCH", target: "/orders", token: f.good()}.forbidden(reason.Denied, ""),
		row{name: "a table denies a method that nobody knows", wirings: []string{"table"}, method: "BREW", target: "/orders", token: f.good()}.forbidden(reason.Denied, ""),
		row{name: "a table denies an unclean path", wirings: []string{"table"}, target: "//orders", token: f.good()}.forbidden(reason.Denied, ""),
	}
	for method, wants := range map[string]string{
		"GET": "get", "HEAD": "get", "POST": "post", "PUT": "put", "PATCH": "put", "DELETE": "delete",
	} {
		var others []string
		for _, other := range []string{"get", "post", "put", "delete"} {
			if other != wants {
				others = append(others, other)
			}
		}
		body := hello
		if method == http.MethodHead {
			body = ""
		}
		rows = append(rows,
			row{name: "level for " + method, method: method, target: "/levels", token: level(wants)}.accepted(body),
			row{name: "all levels but that for " + method, method: method, target: "/levels", token: level(others...)}.forbidden(reason.InsufficientScope, wants))
	}
	return rows
}
