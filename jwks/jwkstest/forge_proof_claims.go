package jwkstest

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// rawNull is a JSON null: a nil value leaves a member out.
var rawNull = jsontext.Value("null")

// claim is the good proof with another value of one claim, and with none.
func (f *proofForger) claim(name, hole string, values ...any) []forgedProof {
	out := []forgedProof{f.made(name+": missing", holeProofMust, Claims{name: nil})}
	for _, v := range values {
		out = append(out, f.made(fmt.Sprintf("%s: %#v", name, shown(v)), hole, Claims{name: v}))
	}
	return out
}

func (f *proofForger) methods() []forgedProof {
	other := "POST"
	if f.method == other {
		other = "GET"
	}
	return f.claim("htm", holeProofHTM,
		"", other, strings.ToLower(f.method), f.method+" ", " "+f.method, f.method+"\x00", other+" "+f.method, f.method+","+other, "*", "HEAD"+f.method,
		[]string{f.method}, 1, true, rawNull)
}

func (f *proofForger) addresses() []forgedProof {
	u, err := url.Parse(f.url)
	f.p.iss.check(err)
	path, host, name := u.EscapedPath(), u.Host, u.Hostname()
	at := func(scheme, host, path string) string { return scheme + "://" + host + path }
	otherScheme := map[string]string{"https": "http", "http": "https"}[u.Scheme]
	port := ""
	if u.Port() != "" {
		port = ":" + u.Port()
	}
	values := []any{
		"", path, "//" + host + path, host + path, "*", 1,
		[]string{f.url},
		rawNull,
		at(otherScheme, host, path), at("ftp", host, path), at("ws", host, path), "urn:" + f.url,
		at(u.Scheme, name+":8", path), at(u.Scheme, "other.example", path), at(u.Scheme, name+".evil.example", path), at(u.Scheme, "evil-"+host, path),
		at(u.Scheme, "sub."+host, path), at(u.Scheme, name+"."+port, path), at(u.Scheme, "evil.example@"+host, path), at(u.Scheme, host+"@evil.example", path),
		at(u.Scheme, "evil.example#@"+host, path), at(u.Scheme, "evil.example?"+host, path), at(u.Scheme, `evil.example\`+host, path),
		at(u.Scheme, host+"%00", path), at(u.Scheme, host+" ", path), at(u.Scheme, "", path), at(u.Scheme, host+":x", path),
		at(u.Scheme, host, "/other"), at(u.Scheme, host, path+"/"), at(u.Scheme, host, path+"/more"), at(u.Scheme, host, "/more"+path), at(u.Scheme, host, "/"+path),
		at(u.Scheme, host, path+"x"), at(u.Scheme, host, folded(path)), at(u.Scheme, host, path+"%2F"), at(u.Scheme, host, path+"%00"), at(u.Scheme, host, path+";x=y"),
		at(u.Scheme, host, path+"%"), at(u.Scheme, host, path+"%2"), at(u.Scheme, host, path+"%zz"),
		at(u.Scheme, host, "/?"+path), at(u.Scheme, host, "/#"+path), at(u.Scheme, host, `\`+strings.TrimPrefix(path, "/")), at(u.Scheme, host, path+" "),
		at(u.Scheme, host, path+"\x00"), at(u.Scheme, host, strings.ReplaceAll(url.QueryEscape(path), "%", "%25")), " " + f.url, "\t" + f.url, f.url + "," + f.url,
		strings.Replace(f.url, "://", ":/", 1), strings.Replace(f.url, "://", ":", 1), strings.Replace(f.url, "://", ":///", 1),
	}
	if path != "/" && path != "" { // where it goes no higher, these are the same address
		values = append(values, at(u.Scheme, host, path+"/.."), at(u.Scheme, host, path+"/%2e%2e"), at(u.Scheme, host, path+"/../"))
	}
	values = slices.DeleteFunc(values, func(v any) bool { text, ok := v.(string); return ok && text == f.url })
	return f.claim("htu", holeProofHTU, values...)
}

func (f *proofForger) times() []forgedProof {
	now := f.p.iss.now()
	out := f.claim("iat", holeProofTime, rawNull, "now", true, 0, 1, -1, -1e300, 1e300, jsontext.Value("1e999"))
	for name, at := range map[string]int64{
		"ten minutes ago":                 now.Add(-10 * time.Minute).Unix(),
		"an hour ago":                     now.Add(-time.Hour).Unix(),
		"a year ago":                      now.AddDate(-1, 0, 0).Unix(),
		"in ten minutes":                  now.Add(10 * time.Minute).Unix(),
		"in a year":                       now.AddDate(1, 0, 0).Unix(),
		"in milliseconds":                 now.UnixMilli(),
		"the negative of now":             -now.Unix(),
		"now, less the bits above thirty": now.Unix() & (1<<30 - 1),
	} {
		out = append(out, f.made("iat: "+name, holeProofTime, Claims{"iat": at}))
	}
	old := now.Add(-time.Hour).Unix()
	return append(out,
		f.made("iat: now, as a string", holeProofMust, Claims{"iat": fmt.Sprint(now.Unix())}),
		f.made("iat: now, in a list", holeProofMust, Claims{"iat": []int64{now.Unix()}}),
		f.made("iat: an hour ago, with an exp ahead", holeProofTime, Claims{"iat": old, "exp": now.Add(time.Hour).Unix()}),
		f.made("iat: missing, with an nbf and an exp", holeProofMust, Claims{"iat": nil, "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix()}))
}

func (f *proofForger) ids() []forgedProof {
	return f.claim("jti", holeReplay, "", rawNull, 1, true, []string{"x"}, map[string]any{})
}

func (f *proofForger) hashes() []forgedProof {
	ath := hashOf(f.token)
	digest := decode(ath)
	long := sha512.Sum512([]byte(f.token))
	payload := strings.Split(f.token+"..", ".")[1]
	out := f.claim("ath", holeAth, "", rawNull, 1, true)
	for _, row := range []struct {
		name  string
		value any
	}{
		{"in a list", []string{ath}},
		{"padded", ath + "="},
		{"a space behind", ath + " "},
		{"cut short", ath[:42]},
		{"its first character missing", ath[1:]},
		{"in other case", folded(ath)},
		{"spare bits set", spare(ath)},
		{"in hexadecimal", hex.EncodeToString([]byte(digest))},
		{"in base64 with padding", base64.StdEncoding.EncodeToString([]byte(digest))},
		{"by SHA-512", encode(string(long[:]))},
		{"its first half", encode(digest[:16])},
		{"of nothing", hashOf("")},
		{"of the whole header Authorization", hashOf("DPoP " + f.token)},
		{"of a bearer token", hashOf("Bearer " + f.token)},
		{"of the token and a line end", hashOf(f.token + "\n")},
		{"of the token's payload", hashOf(payload)},
		{"of itself", hashOf(ath)},
		{"of another token", hashOf(f.p.iss.Token())},
		{"the token", f.token},
	} {
		out = append(out, f.made("ath: "+row.name, holeAth, Claims{"ath": row.value}))
	}
	return out
}

// lookalikes: claims whose names a sloppy reader takes for others.
func (f *proofForger) lookalikes() []forgedProof {
	now, ath := f.p.iss.now().Unix(), hashOf(f.token)
	return []forgedProof{
		f.made("names: HTM instead of htm", holeFolded, Claims{"htm": nil, "HTM": f.method}),
		f.made("names: Htu beside another htu", holeFolded, Claims{"htu": "https://other.example/", "Htu": f.url}),
		f.made("names: IAT beside one that has passed", holeFolded, Claims{"iat": 1, "IAT": now}),
		f.made("names: ATH beside another one", holeFolded, Claims{"ath": hashOf("x"), "ATH": ath}),
		f.made("names: JTI instead of jti", holeFolded, Claims{"jti": nil, "JTI": "x"}),
		f.made("names: TYP instead of typ", holeFolded, Header{"typ": nil, "TYP": "dpop+jwt"}),
		f.made("names: JWK instead of jwk", holeFolded, Header{"jwk": nil, "JWK": f.p.jwk()}),
		f.made("names: a long s in hash's place", holeFolded, Claims{"ath": nil, "at\u0068\u200b": ath}),
	}
}
