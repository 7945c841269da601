package jwkstest

import (
	"fmt"
	"net/url"
	"slices"
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

// row is a value of a claim, and what it is called in the name of the forgery.
type row struct {
	name  string
	value any
}

// values mints a token for every row. One that has the value anyway is no forgery.
func (f *forger) values(claim string, why reason.Code, hole string, rows ...row) (out []forged) {
	good := map[string]string{"aud": f.aud, "iss": f.iss.name}
	for _, row := range rows {
		if text, ok := row.value.(string); !ok || text != good[claim] {
			out = append(out, f.minted(claim+": "+row.name, why, hole, Claims{claim: row.value}))
		}
	}
	return out
}

// numbers: dates of the wrong type, and beyond all ranges.
func (f *forger) numbers() (out []forged) {
	later := f.now.Add(time.Hour).Unix()
	for _, claim := range []string{"exp", "nbf", "iat"} {
		out = append(out, f.values(claim, reason.MalformedClaims, holeNumber,
			row{"a string", strconv.FormatInt(later, 10)},
			row{"a date as text", f.now.UTC().Format(time.RFC3339)},
			row{"null", jsontext.Value("null")},
			row{"a boolean", true},
			row{"an array", []int64{later}},
			row{"an object", map[string]any{"seconds": later}},
			row{"beyond a double", jsontext.Value("1e400")},
			row{"beyond 64 bits", jsontext.Value("18446744073709551617")},
			row{"the greatest 64-bit number", jsontext.Value("9223372036854775807")},
			row{"in milliseconds", later * 1000},
			row{"negative", -later},
			row{"minus infinity, nearly", jsontext.Value("-1e308")})...)
	}
	return out
}

func (f *forger) issuers() []forged {
	name := f.iss.name
	return slices.Concat(f.values("iss", reason.UnknownIssuer, holeIssuer,
		row{"another one", "https://other.example"},
		row{"a slash more or less", slashed(name)},
		row{"two slashes behind", name + "//"},
		row{"scheme in capitals", strings.Replace(name, "http", "HTTP", 1)},
		row{"in other case", folded(name)},
		row{"of the other scheme", strings.NewReplacer("https:", "http:", "http:", "https:").Replace(name)},
		row{"a port that goes without saying", withPort(name)},
		row{"a character escaped", escaped(name)},
		row{"%7E behind", name + "%7E"},
		row{"a space behind", name + " "},
		row{"a space before", " " + name},
		row{"a newline behind", name + "\n"},
		row{"a NUL behind", name + "\x00"},
		row{"a query behind", name + "?"},
		row{"a fragment behind", name + "#"},
		row{"a dot path behind", strings.TrimSuffix(name, "/") + "/."},
		row{"a tenant more", strings.TrimSuffix(name, "/") + "/other"},
		row{"its beginning", name[:len(name)-1]},
		row{"another host behind", name + ".other.example"},
		row{"a user before the host", strings.Replace(name, "://", "://other@", 1)},
		row{"empty", ""},
	), f.values("iss", reason.MissingClaim, holeIssuer, row{"missing", nil}, row{"null", jsontext.Value("null")}), f.values("iss", reason.MalformedClaims, holeIssuer,
		row{"an array", []string{name}},
		row{"a number", 1},
		row{"an object", map[string]any{"iss": name}}))
}

func slashed(name string) string {
	if s, ok := strings.CutSuffix(name, "/"); ok {
		return s
	}
	return name + "/"
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
	return fmt.Sprintf("%s%%%02X%s", name[:at], name[at], name[at+1:])
}

func (f *forger) audiences() []forged {
	aud := f.aud
	return slices.Concat(f.values("aud", reason.WrongAudience, holeAudience,
		row{"another one", "api://other"},
		row{"a slash more or less", slashed(aud)},
		row{"in other case", folded(aud)},
		row{"its beginning", aud[:max(0, len(aud)-1)]},
		row{"its end", aud[min(1, len(aud)):]},
		row{"one character more", aud + "s"},
		row{"a path behind", strings.TrimSuffix(aud, "/") + "/admin"},
		row{"another one before", "x" + aud},
		row{"among others, separated by spaces", "api://other " + aud},
		row{"among others, separated by commas", aud + ",api://other"},
		row{"a space behind", aud + " "},
		row{"a NUL behind", aud + "\x00"},
		row{"a character escaped", escaped(aud)},
		row{"a wildcard", "*"},
		row{"an array in a string", `["` + aud + `"]`},
		row{"empty", ""},
		row{"the client", "test-client"},
		row{"the issuer", f.iss.name},
	), f.values("aud", reason.MissingClaim, holeAudience, row{"missing", nil}, row{"null", jsontext.Value("null")}), f.values("aud", reason.WrongAudience, holeAudience,
		row{"an empty array", []string{}},
		row{"an array of others", []string{"api://other", slashed(aud)}},
	), f.values("aud", reason.MalformedClaims, holeAudience,
		row{"an array of numbers", []int{1}},
		row{"the right one beside a number", []any{aud, 1}},
		row{"an array in an array", []any{[]string{aud}}},
		row{"an object", map[string]any{aud: true}},
		row{"a number", 1},
		row{"a boolean", true},
		row{"an array of null", jsontext.Value("[null]")}))
}

func (f *forger) otherClaims() []forged {
	zeros := encode(string(make([]byte, 32)))
	return []forged{
		f.minted("cnf: bound to a DPoP key", reason.UnsupportedBinding, holeBinding, Claims{"cnf": map[string]any{"jkt": zeros}}),
		f.minted("cnf: bound to a certificate", reason.UnsupportedBinding, holeBinding, Claims{"cnf": map[string]any{"x5t#S256": zeros}}),
		f.minted("cnf: bound in a way nobody knows", reason.UnsupportedBinding, holeBinding, Claims{"cnf": map[string]any{"other": "x"}}),
		f.minted("sub: a number", reason.MalformedClaims, holeText, Claims{"sub": 1}),
		f.minted("sub: an array", reason.MalformedClaims, holeText, Claims{"sub": []string{"admin"}}),
		f.minted("jti: a number", reason.MalformedClaims, holeText, Claims{"jti": 1}),
	}
}

// sizes: tokens that are good, but larger than anybody needs. They fit into a header of a megabyte.
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
		f.minted("size: an array of fifty thousand", reason.TooLarge, holeSize,
			WithRawPayload(member(`"x":[`+strings.Repeat("0,", many-1)+"0]")(f.payload(nil)))),
		f.minted("size: an audience among ten thousand", reason.TooLarge, holeSize, Claims{"aud": append(strings.Split(strings.Repeat("x ", many/5), " "), f.aud)}),
		f.minted("size: ten thousand claims", reason.TooLarge, holeSize, WithRawPayload(member(manyClaims(many/5))(f.payload(nil)))),
		{"size: a signature of 50 kB", Forgery{f.token() + strings.Repeat("A", many), reason.TooLarge, holeSize}},
		{"size: fifty thousand dots", Forgery{strings.Repeat(".", many), reason.TooLarge, holeSize}},
	}
}

// manyClaims are n members. They are written as text: sorting and encoding a map
// of them was a tenth of the time that all forgeries took.
func manyClaims(n int) string {
	var out strings.Builder
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `"x%d":%d`, i, i)
	}
	return out.String()
}
