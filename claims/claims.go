// Package claims holds what a verified token says, and the rules over it.
//
// [Claims] come from a verifier and are shared between requests, so they are
// immutable. A [Mapping] names the claims in which an issuer keeps scopes,
// roles, permissions and the client, and tells apps from users. A [Rule] is a
// requirement on claims, and its answer is a [Decision]. [AccessLevels] are the
// rules of an API whose levels are get, post, put and delete.
//
// The package knows no HTTP and no keys: it verifies nothing.
package claims

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sallyport-go/sallyport/internal/contextkey"
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
	redacted
	payload strictjson.Object

	issuer, subject, id, client string

	expires, notBefore, issued time.Time

	audiences, scopes, roles, permissions []string

	caller          CallerType
	openToAnyClient bool
}

// NewContext returns a context that carries c. It is for a Guard, and for tests
// of handlers: it authenticates no request, and no Guard takes c for the claims
// of a token that it verified.
func NewContext(ctx context.Context, c *Claims) context.Context {
	return context.WithValue(ctx, contextkey.Claims{}, c)
}

// FromContext returns the claims of the request that ctx belongs to. It reports
// false if the request was not authenticated.
func FromContext(ctx context.Context) (*Claims, bool) {
	c, _ := ctx.Value(contextkey.Claims{}).(*Claims)
	return c, c != nil
}

// empty answers for a nil *Claims.
var empty Claims

func (c *Claims) orEmpty() *Claims {
	if c == nil {
		return &empty
	}
	return c
}

// Issuer returns the iss claim, exactly as the token has it; "" if absent
// (RFC 7519 section 4.1.1).
func (c *Claims) Issuer() string { return c.orEmpty().issuer }

// Subject returns the sub claim; "" if absent. It identifies a user or an app
// only together with the issuer (RFC 7519 section 4.1.2).
func (c *Claims) Subject() string { return c.orEmpty().subject }

// ID returns the token's own identifier, from the first of the mapped claims that
// is present: jti, unless the mapping says otherwise; "" if none is (RFC 7519
// section 4.1.7).
func (c *Claims) ID() string { return c.orEmpty().id }

// ClientID returns the client that asked for the token, from the first of the
// mapped claims that is present; "" if none is (RFC 8693 section 4.3).
func (c *Claims) ClientID() string { return c.orEmpty().client }

// Caller returns whether an app or a user called; [CallerUnknown] if none of
// the mapped evidence holds.
func (c *Claims) Caller() CallerType { return c.orEmpty().caller }

// ExpiresAt returns the exp claim in UTC; the zero Time if absent (RFC 7519
// section 4.1.4).
func (c *Claims) ExpiresAt() time.Time { return c.orEmpty().expires }

// NotBefore returns the nbf claim in UTC; the zero Time if absent (RFC 7519
// section 4.1.5).
func (c *Claims) NotBefore() time.Time { return c.orEmpty().notBefore }

// IssuedAt returns the iat claim in UTC; the zero Time if absent (RFC 7519
// section 4.1.6).
func (c *Claims) IssuedAt() time.Time { return c.orEmpty().issued }

// HasAudience reports whether the aud claim names audience, byte for byte: no
// slash, case or escape is normalised (RFC 7519 section 4.1.3).
func (c *Claims) HasAudience(audience string) bool {
	return slices.Contains(c.orEmpty().audiences, audience)
}

// HasScope reports whether the token carries scope. Scopes are case-sensitive
// and have no order (RFC 6749 section 3.3).
func (c *Claims) HasScope(scope string) bool { return slices.Contains(c.orEmpty().scopes, scope) }

// HasRole reports whether the token carries role. Both users and apps have
// roles: ask [Claims.Caller] too where the difference matters.
func (c *Claims) HasRole(role string) bool { return slices.Contains(c.orEmpty().roles, role) }

// HasPermission reports whether the token carries permission.
func (c *Claims) HasPermission(permission string) bool {
	return slices.Contains(c.orEmpty().permissions, permission)
}

// Audiences returns an iterator over the audiences, in the token's order.
func (c *Claims) Audiences() iter.Seq[string] { return slices.Values(c.orEmpty().audiences) }

// Scopes returns an iterator over the scopes, in the token's order. A scope that
// the token repeats is repeated.
func (c *Claims) Scopes() iter.Seq[string] { return slices.Values(c.orEmpty().scopes) }

// Roles returns an iterator over the roles, in the token's order.
func (c *Claims) Roles() iter.Seq[string] { return slices.Values(c.orEmpty().roles) }

// Permissions returns an iterator over the permissions, in the token's order.
func (c *Claims) Permissions() iter.Seq[string] { return slices.Values(c.orEmpty().permissions) }

// Has reports whether there is a claim at path, whatever its value but null. A
// claim that is null is absent, here and below, in rules and in a [Mapping]:
// issuers write null for what they have no value of. exp, nbf and iat are the
// exception, for a token in which one of them is null is malformed.
//
// Here and below a path is one argument for each segment, as in
// Has("realm_access", "roles"). A dot has no meaning, since it can be part of a
// name: Has("https://api.example/tenant").
func (c *Claims) Has(path ...string) bool {
	_, ok := c.at(path)
	return ok
}

// Text returns the string at path; false if there is none or it is no string.
func (c *Claims) Text(path ...string) (string, bool) {
	v, _ := c.at(path)
	s, err := v.Text()
	return s, err == nil
}

// Strings returns the array of strings at path, or a single string as a list of
// one; false if there is none or it is anything else. The slice is the caller's
// own.
func (c *Claims) Strings(path ...string) ([]string, bool) {
	v, _ := c.at(path)
	if s, err := v.Text(); err == nil {
		return []string{s}, true
	}
	list, err := v.Strings()
	return list, err == nil
}

// Value returns a fresh copy of the value at path: nil, bool, float64, string,
// []any or map[string]any. It reports false if there is none, or if a number in
// it fits no float64. null is nil within a value, and no value by itself.
// Integers beyond 2^53 lose digits as a float64: [Claims.Decode] keeps them.
func (c *Claims) Value(path ...string) (any, bool) {
	v, ok := c.at(path)
	if !ok {
		return nil, false
	}
	var value any
	if err := json.Unmarshal([]byte(v.Raw()), &value); err != nil {
		return nil, false
	}
	return value, true
}

// Decode parses the token's payload into v, a non-nil pointer, as
// encoding/json/v2 would: member names match case-sensitively, unknown members
// are ignored. Each call parses afresh, so v shares nothing with the claims or
// with other requests. On an error v may be filled in part; the error names the
// claim and the Go type, never the value.
func (c *Claims) Decode(v any) error {
	if c == nil {
		return errors.New("claims: Decode: there are no claims; was the request authenticated?")
	}
	// A copy: methods of v's type get to see these bytes, and might write to them.
	if err := json.Unmarshal([]byte(c.payload.Text()), v); err != nil {
		return decodeError(err, v)
	}
	return nil
}

func (c *Claims) at(path []string) (strictjson.Value, bool) {
	return present(&c.orEmpty().payload, path)
}

// decodeError keeps of the parser's error what holds no value of a claim. The
// cause is dropped, not wrapped: loggers that follow the chain would print it.
func decodeError(err error, v any) error {
	var at *json.SemanticError
	if !errors.As(err, &at) || at.JSONPointer == "" || at.GoType == nil {
		return fmt.Errorf("claims: Decode: cannot decode into %T; pass a non-nil pointer to a struct or map", v)
	}
	claim, _, _ := strings.Cut(string(at.JSONPointer)[1:], "/")
	claim = strings.NewReplacer("~1", "/", "~0", "~").Replace(claim)
	return fmt.Errorf("claims: Decode: claim %q does not fit Go type %s", claim, at.GoType)
}

// redacted gives Claims the methods by which values are printed, logged and
// marshalled. Their receivers are values, so that a dereferenced copy of Claims
// shows nothing either.
type redacted struct{}

const redactedText = "claims.Claims{redacted}"

// String returns a fixed text.
func (redacted) String() string { return redactedText }

// GoString returns that text for %#v.
func (redacted) GoString() string { return redactedText }

// Format prints that text for every verb and flag.
func (redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedText) }

// LogValue logs that text.
func (redacted) LogValue() slog.Value { return slog.StringValue(redactedText) }

// MarshalJSON marshals that text.
func (redacted) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedText + `"`), nil }

// present returns the value at path. A claim that is null is absent: issuers
// write null for what they have no value of.
func present(payload *strictjson.Object, path []string) (strictjson.Value, bool) {
	v, ok := payload.Lookup(path...)
	if !ok || v.IsNull() {
		return strictjson.Value{}, false
	}
	return v, true
}
