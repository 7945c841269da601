package introspection_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

func TestRow79And80EveryForgedAnswerIsRefusedForItsReason(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	v := w.open(t)
	n := 0
	for name, f := range w.ForgedAnswers(jwkstest.Claims{"scope": "orders.read"}) {
		n++
		t.Run("79 80 answer with "+name, func(t *testing.T) {
			good(t, v, w.OpaqueToken())
			strays := w.Strays()
			refusal(t, v, w.OpaqueTokenOf(f), f.Reason)
			assert.Equal(t, strays, w.Strays(), "a redirect was followed")
		})
	}
	assert.GreaterOrEqual(t, n, 55)
}

func TestRow81SignedAnswers(t *testing.T) { // its parts share an issuer, one after another
	w := onSocket(t)
	w.cfg.Signed = true
	v := w.open(t)
	about := func(change jwkstest.Claims) map[string]any {
		m := map[string]any{"active": true, "iss": w.Issuer.Issuer(), "aud": audience, "exp": time.Now().Add(time.Hour).Unix()}
		for name, value := range change {
			m[name] = value
		}
		return m
	}
	base := jwkstest.Claims{
		"sub": nil, "exp": nil, "client_id": nil, "jti": nil,
		"aud": jwkstest.IntrospectionClient, "token_introspection": about(nil),
	}
	typ := jwkstest.Header{"typ": "token-introspection+jwt"}
	stranger := jwkstest.New(t, jwkstest.WithAlgorithm("ES256"), jwkstest.WithName(w.Issuer.Issuer()))
	answer := func(contentType, body string) func(http.ResponseWriter, *http.Request) {
		return func(rw http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "application/token-introspection+jwt", r.Header.Get("Accept"), "81 it is asked for")
			rw.Header().Set("Content-Type", contentType)
			_, _ = rw.Write([]byte(body))
		}
	}
	const signed = "application/token-introspection+jwt"
	for name, tt := range map[string]struct {
		contentType, body string
		want              reason.Code
	}{
		"81 one that is good":                         {signed, w.Token(base, typ), ""},
		"81 with the media type in full":              {signed, w.Token(base, jwkstest.Header{"typ": "application/token-introspection+JWT"}), ""},
		"81 with a line end behind it":                {signed, w.Token(base, typ) + "\r\n", ""},
		"81 that holds another JWT":                   {signed, w.Token(base, typ, jwkstest.Header{"cty": "JWT"}), reason.IntrospectionUnavailable},
		"81 with one audience of several":             {signed, w.Token(base, typ, jwkstest.Claims{"aud": []string{"x", jwkstest.IntrospectionClient}}), ""},
		"81 that says inactive":                       {signed, w.Token(base, typ, jwkstest.Claims{"token_introspection": map[string]any{"active": false}}), reason.Inactive},
		"81 about a token for another API":            {signed, w.Token(base, typ, jwkstest.Claims{"token_introspection": about(jwkstest.Claims{"aud": "api://another"})}), reason.WrongAudience},
		"81 of the typ of an access token":            {signed, w.Token(base), reason.IntrospectionUnavailable},
		"81 without typ":                              {signed, w.Token(base, jwkstest.Header{"typ": nil}), reason.IntrospectionUnavailable},
		"81 of another issuer":                        {signed, w.Token(base, typ, jwkstest.Claims{"iss": "https://another.example/"}), reason.IntrospectionUnavailable},
		"81 without iss":                              {signed, w.Token(base, typ, jwkstest.Claims{"iss": nil}), reason.IntrospectionUnavailable},
		"81 for another resource server":              {signed, w.Token(base, typ, jwkstest.Claims{"aud": "another-api"}), reason.IntrospectionUnavailable},
		"81 for nobody":                               {signed, w.Token(base, typ, jwkstest.Claims{"aud": nil}), reason.IntrospectionUnavailable},
		"81 without iat":                              {signed, w.Token(base, typ, jwkstest.Claims{"iat": nil}), reason.IntrospectionUnavailable},
		"81 of an hour ago":                           {signed, w.Token(base, typ, jwkstest.Claims{"iat": time.Now().Add(-time.Hour)}), reason.IntrospectionUnavailable},
		"81 of the next hour":                         {signed, w.Token(base, typ, jwkstest.Claims{"iat": time.Now().Add(time.Hour)}), reason.IntrospectionUnavailable},
		"81 with claims beside token_introspection":   {signed, w.Token(base, typ, jwkstest.Claims{"token_introspection": nil, "active": true}), reason.IntrospectionUnavailable},
		"81 with active as a text":                    {signed, w.Token(base, typ, jwkstest.Claims{"token_introspection": about(jwkstest.Claims{"active": "true"})}), reason.IntrospectionUnavailable},
		"81 signed by a stranger":                     {signed, stranger.Token(base, typ), reason.IntrospectionUnavailable},
		"81 with another signature":                   {signed, w.Token(base, typ)[:40] + "A" + w.Token(base, typ)[41:], reason.IntrospectionUnavailable},
		"81 that is not signed":                       {"application/json", `{"active":true,"aud":"` + audience + `"}`, reason.IntrospectionUnavailable},
		"81 that is plain JSON under the signed type": {signed, `{"active":true,"aud":"` + audience + `"}`, reason.IntrospectionUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			w.ServeIntrospection(answer(tt.contentType, tt.body))
			token := w.OpaqueToken()
			if tt.want == "" {
				good(t, v, token)
				return
			}
			refusal(t, v, token, tt.want)
		})
	}
	t.Run("81 a signed answer is no access token", func(t *testing.T) {
		w.Restore()
		token := w.Token(base, typ, jwkstest.Claims{"aud": audience, "exp": time.Now().Add(time.Hour)})
		refusal(t, v, token, reason.UnsupportedType)
		w.cfg.Signed = false
		refusal(t, w.open(t), token, reason.UnsupportedType)
	})
}

// TestRow81ASignedAnswerIsOfTheIssuerThatWasAsked has another issuer that is trusted
// sign the answer, for its own tokens.
func TestRow81ASignedAnswerIsOfTheIssuerThatWasAsked(t *testing.T) {
	t.Parallel()
	w, other := onSocket(t), onSocket(t)
	w.jwts.Issuers = append(w.jwts.Issuers, *other.issuer)
	w.cfg.Signed = true
	v := w.open(t)
	answer := func(signer *world) {
		body := signer.Token(jwkstest.Header{"typ": "token-introspection+jwt"}, jwkstest.Claims{
			"aud": jwkstest.IntrospectionClient, "token_introspection": map[string]any{"active": true, "aud": audience},
		})
		w.ServeIntrospection(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/token-introspection+jwt")
			_, _ = rw.Write([]byte(body))
		})
	}
	answer(other)
	e := refusal(t, v, "one", reason.IntrospectionUnavailable)
	assert.ErrorContains(t, e, "iss of the signed answer is not the issuer that was asked")
	answer(w)
	good(t, v, "two")
}

func TestSignedAnswersAreCheckedWithKeysThatRotated(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	w.cfg.Signed = true
	v := w.open(t)
	w.ServeIntrospection(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/token-introspection+jwt")
		_, _ = rw.Write([]byte(w.Token(jwkstest.Header{"typ": "token-introspection+jwt"}, jwkstest.Claims{
			"aud": jwkstest.IntrospectionClient, "token_introspection": map[string]any{"active": true, "aud": audience},
		})))
	})
	good(t, v, "one")
	w.Rotate()
	good(t, v, "two")
}

func TestAnErrorShowsWhatAServerSentCutAndWithoutWhatATerminalObeys(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	v := w.open(t)
	w.serve(http.StatusFound, http.Header{"Location": {"https://x.example/\x1b[31m"}}, "")
	e := refusal(t, v, "token", reason.IntrospectionUnavailable)
	assert.NotContains(t, e.Error(), "\x1b")
	require.Error(t, e.Err)
	assert.Less(t, len(e.Error()), 2000)
}

func TestAnAnswerIsBounded(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	v := w.open(t)
	body := `{"active":true,"aud":"` + audience + `"}`
	w.serve(http.StatusOK, nil, body+strings.Repeat(" ", 64<<10-len(body)))
	good(t, v, "one")
	w.serve(http.StatusOK, nil, body+strings.Repeat(" ", 64<<10-len(body)+1))
	e := refusal(t, v, "two", reason.IntrospectionUnavailable)
	assert.Contains(t, e.Error(), "sent more than 64 KiB")

	w.cfg.Client = nil // the one that is made here
	w.serve(http.StatusOK, http.Header{"X-Fill": {strings.Repeat("x", 80<<10)}}, body)
	e = refusal(t, w.open(t), "three", reason.IntrospectionUnavailable)
	assert.Contains(t, e.Error(), "headers exceeded")
}
