package jwks

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func FuzzCacheControl(f *testing.F) {
	for _, seed := range []string{"max-age=600", `private="a, b", max-age="5"`, `x="\`, "no-store,,", "max-age=99999999999999999999", "=", "\"", "max-age==5"} {
		f.Add(seed, "5")
	}
	f.Fuzz(func(t *testing.T, line, age string) {
		d, stated := lifetime(http.Header{"Cache-Control": {line}, "Age": {age}})
		if d < 0 || d > longest || !stated && d != 0 {
			t.Fatalf("%q, age %q: %v %v", line, age, d, stated)
		}
		if got := (schedule{15 * time.Minute, time.Minute, time.Hour, 24 * time.Hour}).interval(d, stated, 0.5); got < time.Minute || got > time.Hour {
			t.Fatalf("%q: refresh in %v", line, got)
		}
	})
}

func FuzzDiscovery(f *testing.F) {
	const issuer = "https://issuer.example"
	for _, seed := range []string{
		`{"issuer":"https://issuer.example","jwks_uri":"https://issuer.example/jwks"}`,
		`{"issuer":"https://issuer.example","jwks_uri":"http://127.0.0.1:9000/jwks"}`,
		`{"issuer":"https://issuer.example","jwks_uri":"http://[::1]/jwks"}`,
		`{"issuer":"https://issuer.example","jwks_uri":"http://localhost.evil/jwks"}`,
		`{"issuer":"https://issuer.example","jwks_uri":"https://user@issuer.example/jwks"}`,
		`{"issuer":"https://issuer.example/","jwks_uri":"https://issuer.example/jwks"}`,
		`{"issuer":"https://issuer.example","issuer":"x"}`,
		`{"issuer":["https://issuer.example"],"jwks_uri":{}}`,
		`{"\u0069ssuer":"https://issuer.example","jwks_uri":"\u0068ttps://x"}`,
		`[]`, ``, `{`, "\xef\xbb\xbf{}", `{"issuer":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	d := newDiscovery(FetcherConfig{Issuer: issuer})
	f.Fuzz(func(t *testing.T, body []byte) {
		known, err := d.parse("https://issuer.example/.well-known", body)
		switch {
		case err != nil && known != "":
			t.Fatalf("%q in spite of %v", known, err)
		case err != nil && !strings.HasPrefix(err.Error(), "jwks: "):
			t.Fatalf("unmarked error %v", err)
		case err == nil && (d.plain.refuses(known) != nil || scheme(known) != "https"):
			t.Fatalf("%q is no address to fetch from, for a document that came by https", known)
		}
	})
}

func FuzzParseJWKS(f *testing.F) {
	for _, seed := range []string{
		`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`,
		`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig","key_ops":["verify"]}`,
		`{"keys":[{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`,
		`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`,
		`{"keys":[[],null,1,"x",{}]}`, `{"keys":{}}`, `{"keys":[]}`, ``, `{"keys":[{"kty":"OKP","kty":"RSA"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := ParseJWKS(data)
		if (err == nil) == (len(keys) == 0) {
			t.Fatalf("%d keys and %v", len(keys), err)
		}
		x := newIndex(keys, nil)
		for _, k := range keys {
			if k.Type() == "oct" {
				t.Fatalf("%v is no public key", k)
			}
			if x.find(&k.inner) == nil {
				t.Fatalf("%v cannot be found", k)
			}
		}
		if same, diff := x.merge(nil, nil); len(diff.removed) != len(x.keys) || len(same.keys) != 0 {
			t.Fatal("an empty set leaves keys")
		}
	})
}
