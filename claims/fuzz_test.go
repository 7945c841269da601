package claims_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

// plain is a payload read by the strict JSON decoder into a map, slowly and
// without cleverness: what FuzzPlainReading compares claims with.
type plain map[string]jsontext.Value

// present is a claim that is there and not null.
func (p plain) present(claim string) (jsontext.Value, bool) {
	v, ok := p[claim]
	return v, ok && v.Kind() != 'n'
}

// text is a string claim; ok is false for any other type, absence is "".
func (p plain) text(claim string) (s string, ok bool) {
	v, present := p.present(claim)
	if !present {
		return "", true
	}
	return s, v.Kind() == '"' && jsonv2.Unmarshal(v, &s) == nil
}

// date is a NumericDate in seconds, -1 if absent.
func (p plain) date(claim string) (seconds float64, ok bool) {
	v, present := p[claim]
	if !present {
		return -1, true
	}
	if v.Kind() != '0' {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, err == nil && f >= 0 && f < 253402300800
}

// names are those of the first claim that is present.
func (p plain) names(separator string, sources ...string) (names []string, ok bool) {
	for _, claim := range sources {
		v, present := p.present(claim)
		if !present {
			continue
		}
		switch v.Kind() {
		case '"':
			s, _ := p.text(claim)
			names = []string{s}
			if separator != "" {
				names = strings.Split(s, separator)
			}
		case '[':
			var list []any
			if jsonv2.Unmarshal(v, &list) != nil {
				return nil, false
			}
			for _, e := range list {
				s, ok := e.(string)
				if !ok {
					return nil, false
				}
				names = append(names, s)
			}
		default:
			return nil, false
		}
		return slices.DeleteFunc(names, func(s string) bool { return s == "" }), true
	}
	return nil, true
}

func (p plain) client() (string, bool) {
	for _, claim := range []string{"client_id", "azp", "appid", "cid"} {
		if _, present := p.present(claim); present {
			return p.text(claim)
		}
	}
	return "", true
}

func (p plain) caller() claims.CallerType {
	idtyp, _ := p.text("idtyp")
	gty, _ := p.text("gty")
	has := func(claim string) bool { _, ok := p.present(claim); return ok }
	switch {
	case idtyp == "app":
		return claims.CallerApp
	case idtyp == "user":
		return claims.CallerUser
	case gty == "client-credentials", has("roles") && !has("scope") && !has("scp") && !has("idtyp") && !has("gty"):
		return claims.CallerApp
	}
	return claims.CallerUnknown
}

// FuzzPlainReading asserts that claims say exactly what the strict decoder reads from
// the same bytes: neither more nor less is accepted, every accessor agrees, an
// error has one of two reasons, and a rule decides without panic.
func FuzzPlainReading(f *testing.F) {
	for _, seed := range []string{
		`{"iss":"i","sub":"s","jti":"j","aud":["a","b"],"exp":1700000000.25,"nbf":0,"iat":1e9,"scope":"a  b c","roles":["r",""],"permissions":"p q","azp":"c"}`,
		`{"scp":["a b",""],"scope":null}`, `{"scp":["a b",""],"roles":"one two"}`, `{"aud":[]}`, `{"aud":"","client_id":"","azp":"z"}`, `{"exp":1e400}`, `{"iat":-0}`,
		`{"exp":253402300799.9999999}`, `{"exp":253402300800}`, `{"exp":"1"}`, `{"idtyp":"app"}`, `{"idtyp":"us\u0065r","roles":[]}`, `{"roles":[1]}`, `{"gty":"client-credentials"}`,
		`{"iss":null}`, `[]`, `null`, `{"a":1,"a":2}`, `{"\u0073ub":"x"}`, "{\"sub\":\"\xff\"}", `{"aud":{"a":"b"}}`, `{"nbf":5e-324}`,
		`{"idtyp":"app","sub":null}`, `{"roles":" a "}`,
	} {
		f.Add([]byte(seed))
	}
	rule := claims.AnyOf(claims.AllScopes("a"), claims.AppOnly(), claims.Contains("a", "aud"), claims.Equals(1, "ver"),
		claims.AccessLevels{Resources: []string{"api://x"}, Default: []claims.Level{"get"}}.Require("get"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := claims.Parse(payload, claims.DefaultMapping())
		if err != nil {
			require.Nil(t, c)
			require.NotEqual(t, errors.Is(err, reason.Malformed), errors.Is(err, reason.MalformedClaims), "%v", err)
		}
		var p plain
		if jsonv2.Unmarshal(payload, &p) != nil || p == nil {
			require.Error(t, err)
			return
		}
		iss, ok1 := p.text("iss")
		sub, ok2 := p.text("sub")
		jti, ok3 := p.text("jti")
		exp, ok4 := p.date("exp")
		nbf, ok5 := p.date("nbf")
		iat, ok6 := p.date("iat")
		audiences, ok7 := p.names("", "aud")
		scopes, ok8 := p.names(" ", "scope", "scp")
		roles, ok9 := p.names("", "roles")
		permissions, ok10 := p.names(" ", "permissions")
		client, ok11 := p.client()
		require.Equal(t, !slices.Contains([]bool{ok1, ok2, ok3, ok4, ok5, ok6, ok7, ok8, ok9, ok10, ok11}, false), err == nil, "%v", err)
		if err != nil {
			return
		}
		assert.Equal(t, []string{iss, sub, jti, client}, []string{c.Issuer(), c.Subject(), c.ID(), c.ClientID()})
		assert.Equal(t, p.caller(), c.Caller())
		assert.True(t, slices.Equal(audiences, slices.Collect(c.Audiences())), "audiences")
		assert.True(t, slices.Equal(scopes, slices.Collect(c.Scopes())), "scopes")
		assert.True(t, slices.Equal(roles, slices.Collect(c.Roles())), "roles")
		assert.True(t, slices.Equal(permissions, slices.Collect(c.Permissions())), "permissions")
		assert.Equal(t, []int64{floor(exp), floor(nbf), floor(iat)}, []int64{unix(c.ExpiresAt()), unix(c.NotBefore()), unix(c.IssuedAt())})
		for claim := range p {
			_, present := p.present(claim)
			assert.Equal(t, present, c.Has(claim))
		}
		for scope := range c.Scopes() {
			require.NotEmpty(t, scope)
			require.True(t, c.HasScope(scope))
		}
		for audience := range c.Audiences() {
			require.True(t, c.HasAudience(audience))
		}
		d := rule.Check(c)
		require.Equal(t, d.Allowed, d.Reason == "")
		var own map[string]any
		if c.Decode(&own) == nil { // numbers may overflow
			require.NotNil(t, own)
		}
	})
}

func floor(seconds float64) int64 { return int64(math.Floor(seconds)) }

// unix is -1 for no time.
func unix(at time.Time) int64 {
	if at.IsZero() {
		return -1
	}
	return at.Unix()
}

// FuzzScope asserts that scopes are cut at U+0020 and nowhere else, and that a
// rule sees exactly those.
func FuzzScope(f *testing.F) {
	for _, seed := range []string{"", " ", "a", "a b", " a  b ", "a\tb", "a\u00a0b", "orders.read orders.write", "A a", "a,b", "\u2003", "openid\x00admin", "a\u0300 a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, scope string) {
		if !utf8.ValidString(scope) {
			return // no JSON string
		}
		quoted, err := json.Marshal(scope)
		require.NoError(t, err)
		c, err := claims.Parse([]byte(`{"scope":`+string(quoted)+`,"scp":"trap"}`), claims.DefaultMapping())
		require.NoError(t, err)

		want := slices.DeleteFunc(strings.Split(scope, " "), func(s string) bool { return s == "" })
		assert.Len(t, slices.Collect(c.Scopes()), len(want))
		for _, s := range want {
			assert.True(t, c.HasScope(s))
		}
		assert.False(t, c.HasScope(""))
		assert.Equal(t, slices.Contains(want, scope), c.HasScope(scope), "a list is no scope")
		assert.Equal(t, slices.Contains(want, "trap"), c.HasScope("trap"), "sources are never merged")
		for _, s := range []string{"a", "admin", "orders.read", "A"} {
			assert.Equal(t, slices.Contains(want, s), claims.AllScopes(s).Check(c).Allowed)
			assert.Equal(t, slices.Contains(want, s), claims.AnyScope(s, "none-has-this").Check(c).Allowed)
		}
	})
}
