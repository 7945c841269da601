package adapters_test

import (
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

// outageRows are refusals that say nothing of the token.
func (f *fixture) outageRows() []row {
	down := f.down.Token(scope("orders.read"))
	return []row{
		row{name: "the keys cannot be had", gate: "down", token: down}.unavailable(reason.KeysUnavailable),
		row{name: "the keys cannot be had, for HEAD", gate: "down", method: "HEAD", token: down}.unavailable(reason.KeysUnavailable),
		row{name: "the keys cannot be had, with problem details", gate: "down", token: down, header: []string{"Accept: application/problem+json"}}.unavailable(reason.KeysUnavailable),
		row{name: "the keys are not needed for what names another issuer", gate: "down", token: f.good()}.invalidToken(reason.UnknownIssuer),
		row{name: "nor for a request without a token", gate: "down"}.noToken(reason.NoToken),
		row{name: "the caller is gone while the keys are awaited", gate: "down", token: f.hanging.Token(), header: []string{"X-Gone: 1"}}.unavailable(reason.Canceled),
		row{name: "nobody can say whether it was revoked", token: f.good(jwkstest.Claims{"sub": "unknowable"})}.unavailable(reason.RevocationUnavailable),
	}
}

// shapeRows are the same refusals in other words, and shadow mode.
func (f *fixture) shapeRows() []row {
	const (
		asked   = `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"a bearer access token is required"}` + "\n"
		invalid = `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"the access token is not valid here","error":"invalid_token"}` + "\n"
		lacking = `{"type":"about:blank","title":"Forbidden","status":403,"detail":"the access token does not allow this","error":"insufficient_scope","scope":"orders.read"}` + "\n"
		own     = `{"refused":true}`
	)
	accept := []string{"Accept: application/problem+json"}
	lack := f.issuer.Token(scope("x"))
	says := func(r row, body string) row { r.answer = body; return r }
	shadow := func(name, token string, why reason.Code) row {
		return row{name: name, gate: "shadow", token: token, status: 200, outcome: "shadow", reason: why, answer: nobodyYet}
	}
	return []row{
		says(row{name: "a 401 in words"}.noToken(reason.NoToken), "Unauthorized: a bearer access token is required\n"),
		says(row{name: "a 401 for a bad token in words", token: "x"}.invalidToken(reason.Malformed), "Unauthorized: the access token is not valid here\n"),
		says(row{name: "a 403 in words", token: lack}.forbidden(reason.InsufficientScope, "orders.read"), "Forbidden: the access token does not allow this\n"),
		says(row{name: "a 400 in words", header: []string{"Authorization: Bearer"}}.invalidRequest(), "Bad Request: the credentials are malformed\n"),
		says(row{name: "a 401 as problem details, if asked", header: accept}.noToken(reason.NoToken), asked),
		says(row{name: "a 401 for a bad token as problem details", token: "x", header: accept}.invalidToken(reason.Malformed), invalid),
		says(row{name: "a 403 as problem details", token: lack, header: accept}.forbidden(reason.InsufficientScope, "orders.read"), lacking),
		says(row{name: "a 403 as problem details always", gate: "problem", token: lack}.forbidden(reason.InsufficientScope, "orders.read"), lacking),
		row{name: "problem details for HEAD", gate: "problem", method: "HEAD", token: lack}.forbidden(reason.InsufficientScope, "orders.read"),
		says(row{name: "a body of the user's own", gate: "own body"}.noToken(reason.NoToken), own),
		says(row{name: "a body of the user's own for a 403", gate: "own body", token: lack}.forbidden(reason.InsufficientScope, "orders.read"), own),
		says(row{name: "a body of the user's own for a 400", gate: "own body", header: []string{"Authorization: Bearer"}}.invalidRequest(), own),
		row{name: "a body of the user's own for HEAD", gate: "own body", method: "HEAD"}.noToken(reason.NoToken),
		shadow("shadow mode lets nobody through", "", reason.NoToken),
		shadow("shadow mode lets a bad token through", tampered(f.good()), reason.BadSignature),
		shadow("shadow mode lets through who may not", lack, reason.InsufficientScope),
		row{name: "shadow mode gives claims to who may", gate: "shadow", token: f.good()}.accepted(hello),
	}
}
