package devauth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
)

type clientKey struct {
	scheme Scheme
	id     string
}

type registered struct {
	client Client
	secret string
	digest [sha256.Size]byte
}

// registry holds the clients of the table with the secrets of this start.
// It is immutable.
type registry struct {
	clients map[clientKey]registered
	absent  [sha256.Size]byte // compared with when the client is unknown
}

func newRegistry(table []Client) *registry {
	r := &registry{clients: make(map[clientKey]registered, len(table))}
	for _, c := range table {
		secret := newSecret(c.Scheme)
		r.clients[clientKey{c.Scheme, c.ID}] = registered{c, secret, sha256.Sum256([]byte(secret))}
	}
	r.absent = sha256.Sum256(randomBytes(32))
	return r
}

// newSecret makes 256 random bits. Messaging's hold characters (+, /, =) that
// the two ways of writing HTTP Basic credentials treat differently; the others
// travel in forms and are kept safe to paste there.
func newSecret(scheme Scheme) string {
	if scheme == Messaging {
		return base64.StdEncoding.EncodeToString(randomBytes(32))
	}
	return base64.RawURLEncoding.EncodeToString(randomBytes(32))
}

// verify compares in constant time, whether or not the client exists.
func (r *registry) verify(scheme Scheme, id, secret string) (c Client, known, ok bool) {
	reg, known := r.clients[clientKey{scheme, id}]
	want := r.absent
	if known {
		want = reg.digest
	}
	got := sha256.Sum256([]byte(secret))
	ok = subtle.ConstantTimeCompare(got[:], want[:]) == 1 && known
	return reg.client, known, ok
}

func (r *registry) find(scheme Scheme, id string) (registered, error) {
	reg, ok := r.clients[clientKey{scheme, id}]
	if !ok {
		return registered{}, fmt.Errorf("devauth: %s has no such client: Clients lists them", scheme)
	}
	return reg, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it aborts the program instead
	return b
}

// randomID is 128 random bits in base64url, as jti and uti are.
func randomID() string { return base64.RawURLEncoding.EncodeToString(randomBytes(16)) }

// randomUUID is a version 4 UUID (RFC 9562, section 5.4).
func randomUUID() string {
	b := randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
