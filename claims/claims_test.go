package claims_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
)

func TestRegisteredClaimsAreDecodedOnce(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"iss":"https:\/\/issuer.example\/","sub":"s","jti":"id-1","aud":["a","b"],
		"exp":1700003600.5,"nbf":0,"iat":1.7e9,"permissions":"p:1 p:2","roles":["r"]}`)
	assert.Equal(t, "https://issuer.example/", c.Issuer(), "escapes are decoded")
	assert.Equal(t, "id-1", c.ID())
	assert.Equal(t, time.Date(2023, 11, 14, 23, 13, 20, 500_000_000, time.UTC), c.ExpiresAt(), "33 a fraction")
	assert.Equal(t, time.Unix(0, 0).UTC(), c.NotBefore())
	assert.False(t, c.NotBefore().IsZero(), "the year 1970 is not an absent claim")
	assert.Equal(t, time.Unix(1_700_000_000, 0).UTC(), c.IssuedAt())
	assert.True(t, c.HasAudience("b"))
	assert.True(t, c.HasPermission("p:2"))
	assert.True(t, c.HasRole("r"))
	assert.False(t, c.HasPermission("r"), "a role is no permission")
	assert.False(t, c.HasRole("p:2"), "a permission is no role")
	assert.False(t, c.HasScope("p:2"), "a permission is no scope")
}

func TestAudiencesAreComparedByteForByte(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"aud":"https://api.example/orders~x"}`)
	assert.True(t, c.HasAudience("https://api.example/orders~x"))
	for name, other := range map[string]string{
		"34 a slash more":      "https://api.example/orders~x/",
		"34 an escape":         "https://api.example/orders%7Ex",
		"34 another case":      "https://API.example/orders~x",
		"34 the default port":  "https://api.example:443/orders~x",
		"35 a prefix":          "https://api.example/orders",
		"35 a part":            "api.example",
		"35 no audience given": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.False(t, c.HasAudience(other))
		})
	}
	for name, payload := range map[string]string{
		"35 an empty array": `{"aud":[]}`, "35 an empty string": `{"aud":""}`, "35 an array of an empty string": `{"aud":[""]}`, "no aud": `{}`,
	} {
		t.Run(name+" is nobody", func(t *testing.T) {
			t.Parallel()
			c := parse(t, payload)
			assert.False(t, c.HasAudience(""))
			assert.Empty(t, slices.Collect(c.Audiences()))
		})
	}
}

func TestNilClaimsSayNothing(t *testing.T) {
	t.Parallel()
	var c *claims.Claims
	assert.Empty(t, c.Issuer()+c.Subject()+c.ID()+c.ClientID())
	assert.True(t, c.ExpiresAt().IsZero() && c.NotBefore().IsZero() && c.IssuedAt().IsZero())
	assert.Equal(t, claims.CallerUnknown, c.Caller())
	assert.False(t, c.HasAudience("") || c.HasScope("") || c.HasRole("") || c.HasPermission(""))
	assert.Empty(t, slices.Collect(c.Audiences()))
	assert.Empty(t, slices.Collect(c.Scopes()))
	assert.Empty(t, slices.Collect(c.Roles()))
	assert.Empty(t, slices.Collect(c.Permissions()))
	assert.False(t, c.Has("iss"))
	_, ok := c.Value("iss")
	assert.False(t, ok)
	assert.ErrorContains(t, c.Decode(&struct{}{}), "authenticated")
}

func TestScopesAreCaseSensitiveAndHaveNoOrder(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"scope":"orders.read Orders.Write"}`)
	rule := claims.AllScopes("Orders.Write", "orders.read")
	t.Run("15 the order does not matter, and the case does", func(t *testing.T) {
		t.Parallel()
		assert.True(t, rule.Check(c).Allowed)
		repeated := parse(t, `{"scope":"orders.read x Orders.Write orders.read Orders.Write"}`)
		assert.True(t, rule.Check(repeated).Allowed, "nor does repetition")
		assert.True(t, c.HasScope("Orders.Write"))
		assert.False(t, claims.AllScopes("orders.write").Check(c).Allowed)
		for _, other := range []string{"orders.write", "ORDERS.READ", "orders", "orders.read Orders.Write", "orders.read ", ""} {
			assert.False(t, c.HasScope(other), "%q", other)
		}
	})
}

func TestClaimsServeManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	c := parse(t, string(payload(t, "entra v1.0, app")))
	rule := claims.AllOf(claims.AppOnly(), claims.AnyRole("get"), claims.Equals("1.0", "ver"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				assert.True(t, rule.Check(c).Allowed)
				var own map[string]any
				assert.NoError(t, c.Decode(&own))
				own["iss"] = "changed"
				roles, _ := c.Strings("roles")
				roles[0] = "changed"
			}
		})
	}
	wg.Wait()
	assert.Equal(t, "https://sts.windows.net/a53d724c-15ea-4469-a987-82a5b30ec167/", c.Issuer())
}

const nestedPayload = `{"https://bokbasen.io/metadata":{"publisher":"p-1","a.b":{"c":true}},
	"https://bokbasen":{"io/metadata":{"publisher":"trap"}},"groups":["a","b"],"one":"x","mixed":["a",1],"n":1.5,"none":null,
	"big":178204173316174381,"over":1e400,"deep":{"list":[1,{"k":"v"}]}}`

func TestPathsAreSegmentsAndDotsPartsOfNames(t *testing.T) {
	t.Parallel()
	c := parse(t, nestedPayload)
	text, ok := c.Text("https://bokbasen.io/metadata", "publisher")
	assert.True(t, ok)
	assert.Equal(t, "p-1", text)
	assert.True(t, c.Has("https://bokbasen.io/metadata", "a.b", "c"))
	for _, path := range [][]string{
		nil,
		{"none"},
		{""},
		{"https://bokbasen", "publisher"},
		{"https://bokbasen.io/metadata.publisher"},
		{"https://bokbasen.io/metadata", "a", "b"},
		{"groups", "0"},
		{"one", "x"},
		{"GROUPS"},
	} {
		assert.False(t, c.Has(path...), "%q", path)
		_, ok := c.Value(path...)
		assert.False(t, ok, "%q", path)
	}
}

func TestStringsAreAListOrOneAndATextIsOne(t *testing.T) {
	t.Parallel()
	c := parse(t, nestedPayload)
	list, ok := c.Strings("groups")
	assert.True(t, ok)
	assert.Equal(t, []string{"a", "b"}, list)
	list, ok = c.Strings("one")
	assert.True(t, ok)
	assert.Equal(t, []string{"x"}, list)
	for _, name := range []string{"mixed", "n", "none", "deep", "absent"} {
		list, ok := c.Strings(name)
		assert.False(t, ok, name)
		assert.Nil(t, list, name)
	}
	for _, name := range []string{"groups", "n", "none", "deep", "absent"} {
		text, ok := c.Text(name)
		assert.False(t, ok, name)
		assert.Empty(t, text, name)
	}
}

func TestValueIsDecoded(t *testing.T) {
	t.Parallel()
	c := parse(t, nestedPayload)
	for name, want := range map[string]any{
		"one": "x", "n": 1.5, "groups": []any{"a", "b"}, "mixed": []any{"a", 1.0},
		"deep": map[string]any{"list": []any{1.0, map[string]any{"k": "v"}}},
	} {
		got, ok := c.Value(name)
		assert.True(t, ok, name)
		assert.Equal(t, want, got, name)
	}
	_, ok := c.Value("over")
	assert.False(t, ok, "a number that fits no float64")
}

func TestChangingWhatIsReturnedChangesNoClaims(t *testing.T) {
	t.Parallel()
	c := parse(t, nestedPayload)
	list, _ := c.Strings("groups")
	list[0] = "changed"
	_ = append(list[:1], "changed")
	value, _ := c.Value("deep")
	value.(map[string]any)["list"].([]any)[1].(map[string]any)["k"] = "changed"
	delete(value.(map[string]any), "list")
	var own, again struct {
		Deep map[string]any `json:"deep"`
	}
	require.NoError(t, c.Decode(&own))
	clear(own.Deep)
	require.NoError(t, c.Decode(&again))
	assert.Contains(t, again.Deep, "list")

	list, _ = c.Strings("groups")
	assert.Equal(t, []string{"a", "b"}, list)
	value, _ = c.Value("deep")
	assert.Equal(t, map[string]any{"list": []any{1.0, map[string]any{"k": "v"}}}, value)
}

// vandal writes to the bytes it is given to decode.
type vandal struct{}

func (*vandal) UnmarshalJSON(data []byte) error {
	clear(data)
	return nil
}

func TestATypeThatWritesToItsInputChangesNoClaims(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"groups":["a","b"],"iss":"i"}`)
	var own struct {
		Groups vandal `json:"groups"`
	}
	require.NoError(t, c.Decode(&own))
	list, ok := c.Strings("groups")
	assert.True(t, ok)
	assert.Equal(t, []string{"a", "b"}, list)
}

func TestDecodeMatchesNamesCaseSensitively(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"ADMIN":true,"Admin":true,"tenant":"t-1","big":178204173316174381,"extra":1}`)
	var own struct {
		Admin  bool   `json:"admin"`
		Tenant string `json:"tenant"`
		Big    int64  `json:"big"`
	}
	require.NoError(t, c.Decode(&own))
	assert.False(t, own.Admin, "19 ADMIN is not admin")
	assert.Equal(t, "t-1", own.Tenant)
	assert.Equal(t, int64(178204173316174381), own.Big)
}

func TestDecodeErrorsNameTheClaimAndNotItsValue(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"age":"secret","when":"secret","a/b~c":{"secret":"secret"},"list":[1,"secret"],"own":"secret"}`)
	for name, row := range map[string]struct {
		target any
		want   string
	}{
		"a string for an int":         {new(map[string]int), `claims: Decode: claim "age" does not fit Go type int`},
		"a value that decodes itself": {new(map[string]stubborn), `claims: Decode: claim "age" does not fit Go type claims_test.stubborn`},
		"deep inside": {new(struct {
			X map[string]int `json:"a/b~c"`
		}), `claims: Decode: claim "a/b~c" does not fit Go type int`},
		"an element of a list": {new(struct {
			List []int `json:"list"`
		}), `claims: Decode: claim "list" does not fit Go type int`},
		"no pointer":    {struct{}{}, "claims: Decode: cannot decode into struct {}; pass a non-nil pointer to a struct or map"},
		"no type":       {nil, "claims: Decode: cannot decode into <nil>; pass a non-nil pointer to a struct or map"},
		"a nil pointer": {(*struct{})(nil), "claims: Decode: cannot decode into *struct {}; pass a non-nil pointer to a struct or map"},
		"another kind":  {new(int), "claims: Decode: cannot decode into *int; pass a non-nil pointer to a struct or map"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.Decode(row.target)
			require.Error(t, err)
			assert.Equal(t, row.want, err.Error())
			for ; err != nil; err = errors.Unwrap(err) {
				assert.NotContains(t, err.Error(), "secret", "the whole chain")
			}
		})
	}
}

type stubborn struct{}

func (*stubborn) UnmarshalJSON(data []byte) error { return fmt.Errorf("refused %s", data) }

func TestClaimsNeverShowTheirValues(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"iss":"secret","sub":"secret","scope":"secret","email":"secret"}`)
	const want = "claims.Claims{redacted}"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10v"} {
		assert.Equal(t, want, fmt.Sprintf(verb, c), verb)
		assert.Equal(t, want, fmt.Sprintf(verb, *c), "%s of a copy", verb)
	}
	assert.Equal(t, want, c.String())
	assert.Equal(t, want, c.GoString())
	data, err := json.Marshal(map[string]any{"pointer": c, "copy": *c})
	require.NoError(t, err)
	assert.JSONEq(t, `{"pointer":"`+want+`","copy":"`+want+`"}`, string(data))
	assert.NotContains(t, fmt.Sprintf("%+v", struct{ C *claims.Claims }{c}), "secret")
	assert.Equal(t, "<nil>", fmt.Sprint((*claims.Claims)(nil)))

	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("seen", "claims", c, "copy", *c)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("seen", "claims", c, "copy", *c, "in", struct{ C *claims.Claims }{c})
	assert.NotContains(t, logged.String(), "secret")
	assert.Contains(t, logged.String(), want)
}

func TestContext(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, ok := claims.FromContext(ctx)
	assert.False(t, ok)
	want := parse(t, `{"sub":"s"}`)
	got, ok := claims.FromContext(claims.NewContext(ctx, want))
	assert.True(t, ok)
	assert.Same(t, want, got)
	got, ok = claims.FromContext(claims.NewContext(ctx, nil))
	assert.False(t, ok, "nil claims are none")
	assert.Nil(t, got)
}
