package jwkstest

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	holeTime     = "the times of a token are not checked (RFC 7519 sections 4.1.4 to 4.1.6)"
	holeNumber   = "a date that is none passes for one (RFC 7519 section 2)"
	holeIssuer   = "iss is not compared byte by byte with the issuer (RFC 9068 section 4)"
	holeAudience = "tokens for somebody else are accepted: aud is not compared byte by byte (RFC 8725 section 3.9)"
	holeBinding  = "a token that is bound to a key of its client is accepted from anybody (RFC 9449 section 7.1, RFC 8705 section 3)"
	holeSize     = "how long a token may be is not limited"
)

// time10 is past any leeway that makes sense.
const time10 = 10 * time.Minute

func (f *forger) times() []forged {
	ago, ahead := f.now.Add(-time10), f.now.Add(time10)
	seconds := func(t time.Time) float64 { return float64(t.Unix()) + 0.5 }
	return []forged{
		f.minted("exp: ten minutes ago", reason.Expired, holeTime, Claims{"exp": ago}),
		f.minted("exp: ten minutes ago and a fraction", reason.Expired, holeTime, Claims{"exp": seconds(ago)}),
		f.minted("exp: zero", reason.Expired, holeTime, Claims{"exp": 0}),
		f.minted("exp: missing", reason.MissingClaim, holeTime, Claims{"exp": nil}),
		f.minted("nbf: in ten minutes", reason.NotYetValid, holeTime, Claims{"nbf": ahead}),
		f.minted("nbf: in ten minutes and a fraction", reason.NotYetValid, holeTime, Claims{"nbf": seconds(ahead)}),
		f.minted("iat: in ten minutes", reason.IssuedInFuture, holeTime, Claims{"iat": ahead}),
		f.minted("iat: after exp", reason.IssuedInFuture, holeTime, Claims{"iat": f.now.Add(2 * time.Hour)}),
	}
}

// numbers: dates of the wrong type, and beyond all ranges.
func (f *forger) numbers() (out []forged) {
	later := f.now.Add(time.Hour).Unix()
	for _, claim := range []string{"exp", "nbf", "iat"} {
		for _, row := range []struct {
			name  string
			value any
		}{
			{"a string", strconv.FormatInt(later, 10)},
			{"a date as text", f.now.UTC().Format(time.RFC3339)},
			{"null", jsontext.Value("null")},
			{"a boolean", true},
			{"an array", []int64{later}},
			{"an object", map[string]any{"seconds": later}},
			{"beyond a double", jsontext.Value("1e400")},
			{"beyond 64 bits", jsontext.Value("18446744073709551617")},
			{"the greatest 64-bit number", jsontext.Value("9223372036854775807")},
			{"in milliseconds", later * 1000},
			{"negative", -later},
			{"minus infinity, nearly", jsontext.Value("-1e308")},
		} {
			out = append(out, f.minted(claim+": "+row.name, reason.MalformedClaims, holeNumber, Claims{claim: row.value}))
		}
	}
	return out
}

func (f *forger) issuers() (out []forged) {
	name := f.iss.name
	other := func(title, value string) {
		if value != name {
			out = append(out, f.minted("iss: "+title, reason.UnknownIssuer, holeIssuer, Claims{"iss": value}))
		}
	}
	other("another one", "https://other.example")
	other("a slash more or less", slashed(name))
	other("two slashes behind", name+"//")
	other("scheme in capitals", strings.Replace(name, "http", "HTTP", 1))
	other("in other case", folded(name))
	other("of the other scheme", otherScheme(name))
	other("a port that goes without saying", withPort(name))
	other("a character escaped", escaped(name))
	other("%7E behind", name+"%7E")
	other("a space behind", name+" ")
	other("a space before", " "+name)
	other("a newline behind", name+"\n")
	other("a NUL behind", name+"\x00")
	other("a query behind", name+"?")
	other("a fragment behind", name+"#")
	other("a dot path behind", strings.TrimSuffix(name, "/")+"/.")
	other("a tenant more", strings.TrimSuffix(name, "/")+"/other")
	other("its beginning", name[:len(name)-1])
	other("another host behind", name+".other.example")
	other("a user before the host", strings.Replace(name, "://", "://other@", 1))
	other("empty", "")
	return append(out,
		f.minted("iss: missing", reason.MissingClaim, holeIssuer, Claims{"iss": nil}),
		f.minted("iss: an array", reason.MalformedClaims, holeIssuer, Claims{"iss": []string{name}}),
		f.minted("iss: a number", reason.MalformedClaims, holeIssuer, Claims{"iss": 1}),
		f.minted("iss: null", reason.MalformedClaims, holeIssuer, Claims{"iss": jsontext.Value("null")}),
		f.minted("iss: an object", reason.MalformedClaims, holeIssuer, Claims{"iss": map[string]any{"iss": name}}),
	)
}

func slashed(name string) string {
	if s, ok := strings.CutSuffix(name, "/"); ok {
		return s
	}
	return name + "/"
}

func otherScheme(name string) string {
	if rest, ok := strings.CutPrefix(name, "https:"); ok {
		return "http:" + rest
	}
	return strings.Replace(name, "http:", "https:", 1)
}

// withPort names the default port, or puts a zero before one that is named.
func withPort(name string) string {
	u, err := url.Parse(name)
	switch {
	case err != nil || u.Host == "":
		return name + ":443"
	case u.Port() != "":
		return strings.Replace(name, ":"+u.Port(), ":0"+u.Port(), 1)
	case u.Scheme == "http":
		return strings.Replace(name, u.Host, u.Host+":80", 1)
	}
	return strings.Replace(name, u.Host, u.Host+":443", 1)
}

// escaped has its last letter or digit percent-encoded.
func escaped(name string) string {
	at := strings.LastIndexFunc(name, func(r rune) bool { return r > ' ' && r < 0x7f && r != '/' })
	if at < 0 {
		return name + "%20"
	}
	const digits = "0123456789ABCDEF"
	return name[:at] + "%" + string(digits[name[at]>>4]) + string(digits[name[at]&15]) + name[at+1:]
}

func (f *forger) audiences() (out []forged) {
	aud := f.aud
	one := func(title string, why reason.Code, value any) {
		if value != aud {
			out = append(out, f.minted("aud: "+title, why, holeAudience, Claims{"aud": value}))
		}
	}
	for _, row := range []struct{ title, value string }{
		{"another one", "api://other"},
		{"a slash more or less", slashed(aud)},
		{"in other case", folded(aud)},
		{"its beginning", aud[:max(0, len(aud)-1)]},
		{"its end", aud[min(1, len(aud)):]},
		{"one character more", aud + "s"},
		{"a path behind", strings.TrimSuffix(aud, "/") + "/admin"},
		{"another one before", "x" + aud},
		{"among others, separated by spaces", "api://other " + aud},
		{"among others, separated by commas", aud + ",api://other"},
		{"a space behind", aud + " "},
		{"a NUL behind", aud + "\x00"},
		{"a character escaped", escaped(aud)},
		{"a wildcard", "*"},
		{"an array in a string", `["` + aud + `"]`},
		{"empty", ""},
		{"the client", "test-client"},
		{"the issuer", f.iss.name},
	} {
		one(row.title, reason.WrongAudience, row.value)
	}
	out = append(out,
		f.minted("aud: missing", reason.MissingClaim, holeAudience, Claims{"aud": nil}),
		f.minted("aud: an empty array", reason.WrongAudience, holeAudience, Claims{"aud": []string{}}),
		f.minted("aud: an array of others", reason.WrongAudience, holeAudience, Claims{"aud": []string{"api://other", slashed(aud)}}),
	)
	for _, row := range []struct {
		title string
		value any
	}{
		{"an array of numbers", []int{1}},
		{"the right one beside a number", []any{aud, 1}},
		{"an array in an array", []any{[]string{aud}}},
		{"an object", map[string]any{aud: true}},
		{"a number", 1},
		{"a boolean", true},
		{"null", jsontext.Value("null")},
		{"an array of null", jsontext.Value("[null]")},
	} {
		out = append(out, f.minted("aud: "+row.title, reason.MalformedClaims, holeAudience, Claims{"aud": row.value}))
	}
	return out
}

func (f *forger) otherClaims() []forged {
	return []forged{
		f.minted("cnf: bound to a DPoP key", reason.UnsupportedBinding, holeBinding, Claims{"cnf": map[string]any{"jkt": encode(string(make([]byte, 32)))}}),
		f.minted("cnf: bound to a certificate", reason.UnsupportedBinding, holeBinding, Claims{"cnf": map[string]any{"x5t#S256": encode(string(make([]byte, 32)))}}),
		f.minted("cnf: bound in a way nobody knows", reason.UnsupportedBinding, holeBinding, Claims{"cnf": map[string]any{"other": "x"}}),
		f.minted("sub: a number", reason.MalformedClaims, holeText, Claims{"sub": 1}),
		f.minted("sub: an array", reason.MalformedClaims, holeText, Claims{"sub": []string{"admin"}}),
		f.minted("jti: a number", reason.MalformedClaims, holeText, Claims{"jti": 1}),
	}
}

// sizes: tokens that are good, but larger than anybody needs. They fit into a
// header of a megabyte.
func (f *forger) sizes() []forged {
	const many = 50_000
	return []forged{
		f.minted("size: a claim of 50 kB", reason.TooLarge, holeSize, Claims{"x": strings.Repeat("x", many)}),
		f.minted("size: a header of 50 kB", reason.TooLarge, holeSize, Header{"x": strings.Repeat("x", many)}),
		f.minted("size: a kid of 50 kB", reason.TooLarge, holeSize, Header{"kid": strings.Repeat("k", many)}),
		f.minted("size: arrays nested fifty thousand deep", reason.TooLarge, holeSize,
			WithRawPayload(member(`"x":`+strings.Repeat("[", many)+strings.Repeat("]", many))(f.payload(nil)))),
		f.minted("size: objects nested twenty thousand deep", reason.TooLarge, holeSize,
			WithRawPayload(member(`"x":`+strings.Repeat(`{"x":`, many/5*2)+"1"+strings.Repeat("}", many/5*2))(f.payload(nil)))),
		f.minted("size: an array of fifty thousand", reason.TooLarge, holeSize, Claims{"x": make([]int, many)}),
		f.minted("size: an audience among ten thousand", reason.TooLarge, holeSize, Claims{"aud": append(strings.Split(strings.Repeat("x ", many/5), " "), f.aud)}),
		f.minted("size: ten thousand claims", reason.TooLarge, holeSize, WithRawPayload(f.payload(manyClaims(many/5)))),
		{"size: a signature of 50 kB", Forgery{f.token() + strings.Repeat("A", many), reason.TooLarge, holeSize}},
		{"size: fifty thousand dots", Forgery{strings.Repeat(".", many), reason.TooLarge, holeSize}},
	}
}

func manyClaims(n int) Claims {
	out := make(Claims, n)
	for i := range n {
		out["x"+strconv.Itoa(i)] = i
	}
	return out
}
