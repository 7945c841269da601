package attack_test

import (
	"net/http"
	"path"
	"strings"
)

// good reports whether a header's value holds a good token behind a scheme.
func (a *api) good(value, scheme string) bool {
	token, ok := strings.CutPrefix(value, scheme)
	return ok && token != "" && a.verify(token) == ""
}

func here(c *call) bool { return c.URL.Path == "/orders" && c.Method == http.MethodGet }

// header lets requests pass that have a header of such a value.
func header(name string, such func(value string) bool) func(*api, *call) bool {
	return func(_ *api, c *call) bool {
		return here(c) && len(c.Header["Authorization"]) == 0 && c.Header.Get(name) != "" && such(c.Header.Get(name))
	}
}

func is(want string) func(string) bool { return func(s string) bool { return s == want } }

// authorization lets requests pass with such a single header.
func authorization(such func(a *api, value string) bool) func(*api, *call) bool {
	return func(a *api, c *call) bool {
		lines := c.Header["Authorization"]
		return here(c) && len(lines) == 1 && such(a, lines[0])
	}
}

// route opens other paths, for calls without a token.
func route(same func(c *call) bool) func(*api, *call) bool {
	return func(_ *api, c *call) bool {
		return len(c.Header["Authorization"]) == 0 && (c.RequestURI != "/orders" || c.Method != http.MethodGet) && same(c)
	}
}

var weakInRequests = []weakness{
	{name: "no token is needed", opens: func(_ *api, c *call) bool {
		return here(c) && c.URL.RawQuery == "" && len(c.Header["Authorization"]) == 0 && c.RequestURI == "/orders"
	}, want: `^(credentials|request|path): `, least: 1, level: hole},
	{name: "an empty token is fine", opens: authorization(func(_ *api, v string) bool { return strings.TrimSpace(v) == "Bearer" || v == "" }), want: `^credentials: (an empty|a scheme)`, least: 3, level: hole},
	{name: "the word null is fine", opens: authorization(func(_ *api, v string) bool { return v == "Bearer null" }), want: `^credentials: the word null$`, least: 1, level: hole},
	{name: "Basic is left to others", opens: authorization(func(_ *api, v string) bool { return strings.HasPrefix(v, "Basic YWR") }), want: `^credentials: Basic, of admin$`, least: 1, level: hole},
	{name: "Negotiate is left to others", opens: authorization(func(_ *api, v string) bool { return strings.HasPrefix(v, "Negotiate") }), want: `^credentials: Negotiate$`, least: 1, level: hole},
	{name: "a proxy's user is believed", opens: header("X-Forwarded-User", is("admin")), want: `^credentials: a user whom a proxy would name$`, least: 1, level: hole},
	{name: "local clients are believed", opens: header("X-Forwarded-For", is("127.0.0.1")), want: `^credentials: a client that says it is local$`, least: 1, level: hole},
	{name: "claims in a header are believed", opens: header("X-Userinfo", is("eyJzdWIiOiJhZG1pbiJ9")), want: `^credentials: claims in a header$`, least: 1, level: hole},
	{name: "a certificate in a header is believed", opens: header("X-Ssl-Client-Verify", is("SUCCESS")), want: `^credentials: a certificate in a header$`, least: 1, level: hole},
	{name: "a method override goes past the check", opens: header("X-Http-Method-Override", is("OPTIONS")), want: `^credentials: a header that calls the method OPTIONS, X-HTTP-Method-Override$`, least: 1, level: hole},
	{name: "preflights go past the check, by their headers", opens: header("Access-Control-Request-Method", is("GET")), want: `^credentials: a preflight that is none$`, least: 1, level: hole},
	{name: "upgrades go past the check", opens: header("Upgrade", is("websocket")), want: `^credentials: an upgrade$`, least: 1, level: hole},
	{name: "a header names the path that is checked", opens: header("X-Original-Url", is("/")), want: `^credentials: a header that names a public path$`, least: 1, level: hole},
	{name: "a connection is believed once", opens: func(a *api, c *call) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return here(c) && a.seen[c.RemoteAddr] && len(c.Header["Authorization"]) == 0
	}, spoils: nil, want: `^credentials: none, behind a good token`, least: 1, level: hole},

	{name: "the first of two headers counts", opens: func(a *api, c *call) bool {
		l := c.Header["Authorization"]
		return len(l) == 2 && a.good(l[0], "Bearer ")
	}, want: `^request: two Authorization headers`, least: 3, level: leniency},
	{name: "the last of two headers counts", opens: func(a *api, c *call) bool {
		l := c.Header["Authorization"]
		return len(l) == 2 && a.good(l[1], "Bearer ")
	}, want: `^request: two Authorization headers`, least: 3, level: leniency},
	{name: "no scheme is needed", opens: authorization(func(a *api, v string) bool { return a.good(v, "") }), want: `^request: no scheme$`, least: 1, level: leniency},
	{name: "any scheme will do", opens: authorization(func(a *api, v string) bool { _, token, ok := strings.Cut(v, " "); return ok && a.good(token, "") }), want: `^request: the scheme (Token|JWT|Basic|DPoP|and a colon)`, least: 4, level: leniency},
	{name: "the scheme may stand twice", opens: authorization(func(a *api, v string) bool { return a.good(v, strings.Repeat("Bearer ", 2)) }), want: `^(request: the scheme twice|parts: a scheme before)$`, least: 1, level: leniency},
	{name: "a tab is a space", opens: authorization(func(a *api, v string) bool { return a.good(v, "Bearer\t") }), want: `^request: a tab behind the scheme$`, least: 1, level: leniency},
	{name: "the token ends at a space", opens: authorization(func(a *api, v string) bool {
		f := strings.Fields(v)
		return len(f) > 2 && f[0] == "Bearer" && a.good(f[1], "")
	}), want: `^(request: (two tokens with a space|a token that is folded)|parts|base64url)`, least: 1, level: leniency},
	{name: "the token ends at a comma", opens: authorization(func(a *api, v string) bool { t, _, ok := strings.Cut(v, ","); return ok && a.good(t, "Bearer ") }), want: `^(request: (two tokens with a comma|a comma behind|a parameter behind)|parts: two tokens joined by a comma)`, least: 3, level: leniency},
	{name: "the token may be a parameter", opens: authorization(func(a *api, v string) bool { return a.good(strings.TrimSuffix(v, `"`), `Bearer token="`) }), want: `^request: the token as a parameter$`, least: 1, level: leniency},
	{name: "the query may hold the token", opens: func(a *api, c *call) bool { return a.good(c.URL.Query().Get("access_token"), "") }, want: `^request: the token in the query$`, least: 1, level: leniency},
	{name: "Proxy-Authorization counts", opens: func(a *api, c *call) bool { return a.good(c.Header.Get("Proxy-Authorization"), "Bearer ") }, want: `^request: the token in Proxy-Authorization$`, least: 1, level: leniency},
	{name: "X-Forwarded-Access-Token counts", opens: func(a *api, c *call) bool { return a.good(c.Header.Get("X-Forwarded-Access-Token"), "") }, want: `^request: the token in X-Forwarded-Access-Token$`, least: 1, level: leniency},
	{name: "an underscore in a header's name is ignored", opens: func(a *api, c *call) bool { return a.good(c.Header.Get("Auth_orization"), "Bearer ") }, want: `^request: an underscore`, least: 1, level: leniency},
	{name: "the trailer counts", opens: func(a *api, c *call) bool {
		if c.Trailer == nil {
			return false
		}
		_, _ = c.Body.Read(make([]byte, 1))
		return a.good(c.Trailer.Get("Authorization"), "Bearer ")
	}, want: `^request: the token in the trailer$`, least: 1, level: leniency},

	{name: "a slash behind leads round the check", opens: route(func(c *call) bool { return c.URL.Path == "/orders/" && !strings.Contains(c.RequestURI, "%") }), want: `^path: a slash behind$`, least: 1, level: hole},
	{name: "doubled slashes lead round the check", opens: route(func(c *call) bool { return c.RequestURI == "//orders" }), want: `^path: two slashes before$`, least: 1, level: hole},
	{name: "dots lead round the check", opens: route(func(c *call) bool {
		return strings.Contains(c.RequestURI, "/.") && path.Clean(c.RequestURI) == "/orders"
	}), want: `^path: (a|two) dots? (before|behind)$`, least: 2, level: hole},
	{name: "escapes lead round the check", opens: route(func(c *call) bool { return c.URL.Path == "/orders" && strings.Contains(c.RequestURI, "%") }), want: `^path: (the first letter|all of it) escaped$`, least: 2, level: hole},
	{name: "capitals lead round the check", opens: route(func(c *call) bool { return c.RequestURI != "/orders" && strings.EqualFold(c.RequestURI, "/orders") }), want: `^path: (in capitals|the first letter in the other case)$`, least: 2, level: hole},
	{name: "an extension leads round the check", opens: route(func(c *call) bool { return c.RequestURI == "/orders.json" }), want: `^path: an extension$`, least: 1, level: hole},
	{name: "a path parameter leads round the check", opens: route(func(c *call) bool { return strings.HasPrefix(c.RequestURI, "/orders;") }), want: `^path: a parameter behind$`, least: 1, level: hole},
	{name: "HEAD is not checked", opens: route(func(c *call) bool { return c.Method == http.MethodHead && c.RequestURI == "/orders" }), want: `^path: the method HEAD$`, least: 1, level: hole},
	{name: "unknown methods are not checked", opens: route(func(c *call) bool { return c.Method == "PURGE" }), want: `^path: the method PURGE$`, least: 1, level: hole},
	{name: "a method in small letters is not checked", opens: route(func(c *call) bool { return c.Method != http.MethodGet && strings.EqualFold(c.Method, http.MethodGet) }), want: `^path: the method get$`, least: 1, level: hole},
	{name: "the whole address is not checked", opens: route(func(c *call) bool { return strings.HasPrefix(c.RequestURI, "http://") && c.Host != "other.example" }), want: `^path: the whole address$`, least: 1, level: hole},
	{name: "X-Original-URL is the path", opens: route(func(c *call) bool { return c.Header.Get("X-Original-Url") == "/orders" }), want: `^path: the root, and the path in X-Original-URL$`, least: 1, level: hole},
	{name: "HTTP/1.0 is not checked", opens: func(_ *api, c *call) bool { return c.ProtoMinor == 0 && len(c.Header["Authorization"]) == 0 }, want: `^path: HTTP/1.0$`, least: 1, level: hole},
}
