package verifier

import (
	"github.com/sallyport-go/sallyport/claims"
)

// CacheStats are counts of the verified-token cache since it was made. It is a
// copy that its receiver owns. Of a Verifier without a cache all are 0.
type CacheStats struct {
	Hits      uint64 // tokens whose signature was known to be good
	Misses    uint64 // tokens of the right form that were not
	Evictions uint64 // tokens that made room for others
	Tokens    int    // that are remembered now
	Bytes     int64  // that they take
	MaxBytes  int64  // that they may take: Config.CacheBytes
}

// CacheStats returns the counts of the verified-token cache. It never waits for
// a verification.
func (v *Verifier) CacheStats() CacheStats {
	k := v.cache
	if k == nil {
		return CacheStats{}
	}
	k.entries.CleanUp() // so that the bytes are those of now
	return CacheStats{
		Hits:      k.hits.sum(),
		Misses:    k.misses.sum(),
		Evictions: k.evictions.Load(),
		Tokens:    k.entries.EstimatedSize(),
		Bytes:     int64(k.entries.WeightedSize()), //nolint:gosec // G115: bounded by MaxBytes
		MaxBytes:  k.bytes,
	}
}

// Issuers returns the Names of the configured issuers.
func (v *Verifier) Issuers() []string { return append([]string(nil), v.names...) }

// IssuerOf returns the Name of the configured issuer of verified claims, which
// of a template is the template: it is fit for a label, where the iss claim is
// not. It returns "" for claims of another Verifier's issuers. Of an issuer that
// was looked up it is the iss claim, which is not among Issuers. It allocates
// nothing.
func (v *Verifier) IssuerOf(c *claims.Claims) string {
	iss := c.Issuer()
	if i, ok := v.issuers[iss]; ok {
		return i.name
	}
	for _, i := range v.templates {
		if tenant, ok := i.template.tenant(iss); ok && i.allows(tenant) {
			return i.name
		}
	}
	if v.lookup != nil {
		return iss
	}
	return ""
}
