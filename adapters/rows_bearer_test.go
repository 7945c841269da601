package adapters_test

import (
	"strings"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

func scope(names ...string) jwkstest.Claims {
	return jwkstest.Claims{"scope": strings.Join(names, " ")}
}

// good is a token that may read orders.
func (f *fixture) good(options ...jwkstest.TokenOption) string {
	return f.issuer.Token(append([]jwkstest.TokenOption{scope("orders.read")}, options...)...)
}

const (
	hello     = "hello test-client\n"
	formType  = "Content-Type: application/x-www-form-urlencoded"
	nobodyYet = "hello nobody\n"
)

// bearerRows are RFC 6750 and what RFC 9110 says of credentials.
func (f *fixture) bearerRows() []row {
	token := f.good()
	rows := []row{
		row{name: "1 the Authorization header works", token: token}.accepted(hello),
		row{name: "1 for HEAD too", method: "HEAD", token: token}.accepted(""),
		row{name: "2 the scheme may be written in any case", header: []string{"Authorization: bEaReR " + token}}.accepted(hello),
		row{name: "3 several spaces behind the scheme", header: []string{"Authorization: Bearer   " + token}}.accepted(hello),
		row{name: "3 white space around the value", header: []string{"Authorization: \t Bearer " + token + " \t"}}.accepted(hello),
		row{name: "3 a comma behind the token", header: []string{"Authorization: Bearer " + token + ","}}.invalidRequest(),
		row{name: "3 a comma between two tokens", header: []string{"Authorization: Bearer " + token + "," + token}}.invalidRequest(),
		row{name: "3 a space inside the token", header: []string{"Authorization: Bearer " + token + " x"}}.invalidRequest(),
		row{name: "3 a tab instead of the space", header: []string{"Authorization: Bearer\t" + token}}.invalidRequest(),
		row{name: "3 a tab inside the token", header: []string{"Authorization: Bearer " + token[:40] + "\t" + token[40:]}}.invalidRequest(),
		row{name: "3 the scheme alone", header: []string{"Authorization: Bearer"}}.invalidRequest(),
		row{name: "3 nothing at all", header: []string{"Authorization:"}}.invalidRequest(),
		row{name: "3 a scheme that is none", header: []string{"Authorization: B(earer " + token}}.invalidRequest(),
		row{name: "4 two Authorization lines", header: []string{"Authorization: Bearer " + token, "Authorization: Bearer " + token}}.invalidRequest(),
		row{name: "4 two Authorization lines of two schemes", header: []string{"Authorization: Basic eDp5", "authorization: Bearer " + token}}.invalidRequest(),
		row{name: "4 for HEAD too", method: "HEAD", header: []string{"Authorization: Bearer x", "Authorization: Bearer x"}}.invalidRequest(),
		row{
			name: "5 a token in a form body is not read", method: "POST", body: "access_token=" + token,
			header: []string{formType, contentLength("access_token=" + token)},
		}.noToken(reason.NoToken),
		row{name: "6 a token in the query is not read", target: "/orders?access_token=" + token}.noToken(reason.NoToken),
		row{name: "6 a token in a cookie is not read", header: []string{"Cookie: access_token=" + token}}.noToken(reason.NoToken),
		row{name: "11 no credentials", target: "/orders"}.noToken(reason.NoToken),
		row{name: "11 no credentials, for HEAD", method: "HEAD"}.noToken(reason.NoToken),
		row{name: "11 another scheme", header: []string{"Authorization: Basic eDp5"}}.noToken(reason.UnsupportedScheme),
		row{name: "11 a scheme that nobody knows", header: []string{"Authorization: Token " + token}}.noToken(reason.UnsupportedScheme),
		row{name: "11 a scheme that begins like Bearer", header: []string{"Authorization: BearerX " + token}}.noToken(reason.UnsupportedScheme),
		row{name: "12 a bad token", token: tampered(token)}.invalidToken(reason.BadSignature),
		row{name: "12 a bad token, for HEAD", method: "HEAD", token: tampered(token)}.invalidToken(reason.BadSignature),
		row{name: "12 a token without the scope", token: f.issuer.Token(scope("orders.write"))}.forbidden(reason.InsufficientScope, "orders.read"),
		row{name: "12 and for HEAD", method: "HEAD", token: f.issuer.Token()}.forbidden(reason.InsufficientScope, "orders.read"),
		row{name: "12 all that is required is named, held or not", method: "POST", token: token}.forbidden(reason.InsufficientScope, "orders.read orders.write"),
		row{name: "15 scopes are case-sensitive", token: f.issuer.Token(scope("Orders.Read", "ORDERS.READ"))}.forbidden(reason.InsufficientScope, "orders.read"),
		row{name: "15 scopes are in any order", method: "POST", token: f.issuer.Token(scope("x", "orders.write", "orders.read"))}.accepted(hello),
		row{name: "15 a part of a scope is none", token: f.issuer.Token(scope("orders.reader", "orders.rea", "xorders.read"))}.forbidden(reason.InsufficientScope, "orders.read"),
	}
	return append(rows, f.injections()...)
}

// injections try to end the challenge, or the header, from inside a token.
func (f *fixture) injections() (rows []row) {
	for _, text := range []string{`x", error="none`, "x\r\nX-Injected: 1", `x\`, "x\u2028y", "x\x00y"} {
		rows = append(rows,
			row{name: "10 kid " + text, token: f.good(jwkstest.Header{"kid": text})}.invalidToken(reason.UnknownKey),
			row{name: "10 scope " + text, token: f.issuer.Token(scope(text))}.forbidden(reason.InsufficientScope, "orders.read"),
			row{name: "10 issuer " + text, token: f.good(jwkstest.Claims{"iss": text})}.invalidToken(reason.UnknownIssuer),
			row{name: "10 typ " + text, token: f.good(jwkstest.Header{"typ": text})}.invalidToken(reason.UnsupportedType),
		)
	}
	for i := range rows {
		rows[i].name = strings.NewReplacer("\r", "CR", "\n", "LF", "\x00", "NUL", "\u2028", "LS").Replace(rows[i].name)
	}
	return rows
}

// tampered changes the first character of the signature.
func tampered(token string) string {
	at := strings.LastIndexByte(token, '.') + 1
	first := "A"
	if token[at] == 'A' {
		first = "B"
	}
	return token[:at] + first + token[at+1:]
}
