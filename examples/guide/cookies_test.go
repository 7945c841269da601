package guide_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cookieOrHeader takes the token of a browser from its cookie, and that of a
// service from its header.
func cookieOrHeader(r *http.Request) (middleware.Credential, error) {
	cookies := r.CookiesNamed("__Host-token")
	if len(cookies) == 0 {
		return middleware.FromAuthorization(r)
	}
	if len(cookies) > 1 || r.Header["Authorization"] != nil { // which of them?
		return middleware.Credential{}, reason.InvalidRequest
	}
	return middleware.Credential{Token: cookies[0].Value}, nil
}

func withCookies(p providers.Provider, mux http.Handler) (http.Handler, *sallyport.Gate, error) {
	gate, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{p},
		Guard:     middleware.Config{Credentials: cookieOrHeader},
	})
	if err != nil {
		return nil, nil, err
	}
	return http.NewCrossOriginProtection().Handler(gate.Authenticate(mux)), gate, nil // CSRF: in front of the Guard
}

// setToken is what the page that signs a user in answers with.
func setToken(w http.ResponseWriter, token string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: "__Host-token", Value: token, Path: "/", MaxAge: seconds,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func TestCookies(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	api, gate, err := withCookies(providers.Generic(iss.Issuer(), iss.Audience()), ok)
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	w := httptest.NewRecorder()
	setToken(w, iss.Token(), 3600)
	cookie := w.Result().Cookies()[0]
	require.NoError(t, cookie.Valid())
	pair := cookie.Name + "=" + cookie.Value

	for _, row := range []struct {
		name, method, token string
		headers             []string
		status              int
	}{
		{"a browser", "GET", "", []string{"Cookie", pair}, 200},
		{"a page of ours", "POST", "", []string{"Cookie", pair, "Sec-Fetch-Site", "same-origin"}, 200},
		{"a page of somebody else", "POST", "", []string{"Cookie", pair, "Sec-Fetch-Site", "cross-site"}, 403},
		{"an old browser at a page of somebody else", "POST", "", []string{"Cookie", pair, "Origin", "https://evil.example"}, 403},
		{"a service", "POST", iss.Token(), nil, 200},
		{"nobody", "GET", "", nil, 401},
		{"a bad cookie", "GET", "", []string{"Cookie", "__Host-token=tampered"}, 401},
		{"two cookies", "GET", "", []string{"Cookie", pair + "; " + pair}, 400},
		{"a cookie and a header", "GET", iss.Token(), []string{"Cookie", pair}, 400},
	} {
		assert.Equal(t, row.status, call(api, row.method, "/orders", row.token, row.headers...).Code, row.name)
	}
}
