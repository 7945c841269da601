package verifier

import (
	"crypto/sha256"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/jwks"
)

// issuer is a compiled [Issuer]: immutable, shared by all verifications.
type issuer struct {
	name      string
	template  template // of name; zero for an exact issuer
	keyIssuer template
	tenants   map[string]struct{}
	anyTenant bool

	keys       jwks.KeySet
	algorithms []string
	types      []string // without application/; "" is no typ
	emptyType  bool     // whether a typ that is there and empty is accepted
	audiences  []string
	noAudience AudienceBinding
	markers    []Marker
	required   []string
	clients    []string
	limits     []Limit
	mapping    claims.Mapping
	hints      map[string]string

	policy   [sha256.Size]byte // names all that was configured but keys
	inUse    func() bool       // of one that was looked up; nil: it is configured
	replaced atomic.Bool       // by another policy: what was verified before counts no more
}

// tenantSegment is the place of the tenant's GUID in the name of a template.
const tenantSegment = "{tenantid}"

// template is an issuer name around a tenant's GUID.
type template struct{ prefix, suffix string }

func parseTemplate(name string) (template, bool) {
	prefix, suffix, ok := strings.Cut(name, tenantSegment)
	return template{prefix: prefix, suffix: suffix}, ok
}

// tenant returns the GUID in iss, which fits the template at both ends.
func (t template) tenant(iss string) (string, bool) {
	rest, ok := strings.CutPrefix(iss, t.prefix)
	if !ok {
		return "", false
	}
	guid, ok := strings.CutSuffix(rest, t.suffix)
	return guid, ok && isGUID(guid)
}

// admits reports whether name is the template itself or the template filled
// with that tenant. Keys that all tenants share bear the first.
func (t template) admits(name, tenant string) bool {
	segment, ok := strings.CutPrefix(name, t.prefix)
	if !ok {
		return false
	}
	segment, ok = strings.CutSuffix(segment, t.suffix)
	return ok && (segment == tenantSegment || segment == tenant)
}

func (i *issuer) isTemplate() bool { return i.template != template{} }

// allows reports whether the tenant is on the allowlist.
func (i *issuer) allows(tenant string) bool {
	_, ok := i.tenants[tenant]
	return ok || i.anyTenant
}

// allowsAlgorithm takes the two names of Ed25519 signatures for one.
//
// RFC 9864 section 2.2: https://www.rfc-editor.org/rfc/rfc9864#section-2.2
func (i *issuer) allowsAlgorithm(alg string) bool {
	return slices.ContainsFunc(i.algorithms, func(own string) bool { return jose.Canonical(own) == jose.Canonical(alg) })
}

// wantsDeclared reports whether alg is for RSA keys and not the first such one of
// the list. An RSA key fits six algorithms, any other key one.
func (i *issuer) wantsDeclared(alg string) bool {
	if !jose.ForRSA(alg) {
		return false
	}
	first := slices.IndexFunc(i.algorithms, jose.ForRSA)
	return first < 0 || i.algorithms[first] != alg
}

func (i *issuer) allowsType(typ string, present bool) bool {
	switch {
	case !present:
		return slices.Contains(i.types, "")
	case typ == "":
		return i.emptyType
	}
	typ = mediaType(typ)
	return slices.ContainsFunc(i.types, func(t string) bool { return strings.EqualFold(t, typ) })
}

// mediaType returns typ without application/, which goes without saying where
// no other slash follows.
//
// RFC 7515 section 4.1.9: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9
func mediaType(typ string) string {
	const prefix = "application/"
	if len(typ) <= len(prefix) || !strings.EqualFold(typ[:len(prefix)], prefix) || strings.Contains(typ[len(prefix):], "/") {
		return typ
	}
	return typ[len(prefix):]
}

// mediaTypes returns each of types once, by mediaType.
func mediaTypes(types []string) (out []string) {
	for _, t := range types {
		t = mediaType(t)
		if !slices.ContainsFunc(out, func(other string) bool { return strings.EqualFold(other, t) }) {
			out = append(out, t)
		}
	}
	return out
}

// isGUID reports whether s is a GUID in lower case, as tenants have it in tokens.
func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
