package claims

import "github.com/sallyport-go/sallyport/internal/vetted"

// For verifier, whose reports say where what is lacking is granted.
var _ = vetted.RegisterKind(func(rule, claims any) string {
	r, _ := rule.(*Rule)
	c, _ := claims.(*Claims)
	if r == nil || c == nil {
		return ""
	}
	switch by := r.refuses(c, nil).by.(type) { // a rule that needs a call refuses, by itself
	case *names:
		return by.in.String()
	case *level:
		return "level"
	}
	return ""
})
