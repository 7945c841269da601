package claims_test

import (
	"testing"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// BenchmarkFromObject measures reading a payload that is already parsed.
func BenchmarkFromObject(b *testing.B) {
	for _, name := range []string{"entra v1.0, app", "auth0, user, RFC 9068"} {
		b.Run("payload="+name, func(b *testing.B) {
			obj, err := strictjson.Parse(payload(b, name))
			if err != nil {
				b.Fatal(err)
			}
			m := claims.DefaultMapping()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := claims.FromObject(obj, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCheck measures a rule per request.
func BenchmarkCheck(b *testing.B) {
	c := parse(b, string(payload(b, "entra v1.0, app")))
	for name, rule := range map[string]claims.Rule{
		"rule=any-role/allowed": claims.AnyRole("post"),
		"rule=any-role/denied":  claims.AnyRole("admin"),
		"rule=all-of/allowed":   claims.AllOf(claims.AppOnly(), claims.AllRoles("get", "post"), claims.Equals("1.0", "ver")),
		"rule=level/allowed":    claims.AccessLevels{Resources: []string{"api://apim-orders"}}.Require(claims.LevelPost),
		"rule=level/denied":     claims.AccessLevels{Resources: []string{"api://apim-orders"}}.Require(claims.LevelPut),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = rule.Check(c)
			}
		})
	}
}
