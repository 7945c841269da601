package claims

import (
	"iter"
	"slices"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Claims are what one verified token says: registered claims, decoded once,
// and every other claim by its path.
//
// Claims are immutable and safe for concurrent use; the same pointer may serve
// many requests at once. Strings they return share the memory of the token's
// payload; slices, maps and decoded values are the caller's own. A nil *Claims
// says nothing: it has no scope, no role and no client.
//
// Only pointers are used, as they come from [FromContext] or a verifier. However
// printed, logged or marshalled, Claims show none of their values.
type Claims struct {
	payload strictjson.Object

	issuer, subject, id, client string

	expires, notBefore, issued time.Time

	audiences, scopes, roles, permissions []string

	caller          CallerType
	openToAnyClient bool
}

// nobody answers for a nil *Claims.
var nobody Claims

func (c *Claims) orNobody() *Claims {
	if c == nil {
		return &nobody
	}
	return c
}

// Issuer is the iss claim, exactly as the token has it (RFC 7519 section
// 4.1.1); "" if absent.
func (c *Claims) Issuer() string { return c.orNobody().issuer }

// Subject is the sub claim (RFC 7519 section 4.1.2); "" if absent. It names a
// user or an app only together with the issuer.
func (c *Claims) Subject() string { return c.orNobody().subject }

// ID is the jti claim (RFC 7519 section 4.1.7); "" if absent.
func (c *Claims) ID() string { return c.orNobody().id }

// ClientID is the client that asked for the token (RFC 8693 section 4.3), from
// the first of the mapped claims that is present; "" if none is.
func (c *Claims) ClientID() string { return c.orNobody().client }

// Caller says whether an app or a user called, as far as the issuer's evidence
// tells.
func (c *Claims) Caller() CallerType { return c.orNobody().caller }

// ExpiresAt is the exp claim (RFC 7519 section 4.1.4), in UTC; zero if absent.
func (c *Claims) ExpiresAt() time.Time { return c.orNobody().expires }

// NotBefore is the nbf claim (RFC 7519 section 4.1.5), in UTC; zero if absent.
func (c *Claims) NotBefore() time.Time { return c.orNobody().notBefore }

// IssuedAt is the iat claim (RFC 7519 section 4.1.6), in UTC; zero if absent.
func (c *Claims) IssuedAt() time.Time { return c.orNobody().issued }

// HasAudience says whether the aud claim names audience, byte for byte: no
// slash, case or escape is normalised (RFC 7519 section 4.1.3).
func (c *Claims) HasAudience(audience string) bool {
	return slices.Contains(c.orNobody().audiences, audience)
}

// HasScope says whether the token carries scope. Scopes are case-sensitive and
// have no order (RFC 6749 section 3.3).
func (c *Claims) HasScope(scope string) bool { return slices.Contains(c.orNobody().scopes, scope) }

// HasRole says whether the token carries role. Both users and apps have roles:
// ask [Claims.Caller] too where the difference matters.
func (c *Claims) HasRole(role string) bool { return slices.Contains(c.orNobody().roles, role) }

// HasPermission says whether the token carries permission.
func (c *Claims) HasPermission(permission string) bool {
	return slices.Contains(c.orNobody().permissions, permission)
}

// Audiences yields the audiences in the token's order. It allocates nothing.
func (c *Claims) Audiences() iter.Seq[string] { return slices.Values(c.orNobody().audiences) }

// Scopes yields the scopes in the token's order, a repeated one as often as the
// token repeats it. It allocates nothing.
func (c *Claims) Scopes() iter.Seq[string] { return slices.Values(c.orNobody().scopes) }

// Roles yields the roles in the token's order. It allocates nothing.
func (c *Claims) Roles() iter.Seq[string] { return slices.Values(c.orNobody().roles) }

// Permissions yields the permissions in the token's order. It allocates nothing.
func (c *Claims) Permissions() iter.Seq[string] { return slices.Values(c.orNobody().permissions) }
