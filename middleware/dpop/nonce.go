package dpop

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/internal/jose"
)

// NonceSecrets gives the secrets that nonces are made with. Nonces are not stored:
// one is a time and a keyed digest of it, so that each instance that has the secret
// knows the nonces of the others. Implementations must be safe for concurrent use.
type NonceSecrets interface {
	// Secrets returns the secrets that are valid, at least 32 bytes each, the one
	// that new nonces are made with first. It is called once or twice for each
	// request, so it must answer from memory. An error, or no secret, makes the
	// request a 503. The caller only reads the result.
	//
	// One that is no longer the first stays in the list for the lifetime of a nonce.
	Secrets(ctx context.Context) ([][]byte, error)
}

const (
	minSecretBytes = 32
	nonceHeader    = "DPoP-Nonce"
	maxAhead       = 10 * time.Second // of a nonce, by the clock of another instance
)

var errNonce = errors.New("dpop: the proof has no nonce that this server made, or an old one")

// SharedNonces returns secrets from a configuration, the one that new nonces are
// made with first. All instances have the same. To change it, add the new one behind
// the old one everywhere, then put it first, then take the old one away. Each is at
// least 32 random bytes, and is copied.
func SharedNonces(secrets ...[]byte) (NonceSecrets, error) {
	if len(secrets) == 0 {
		return nil, errors.New("dpop: SharedNonces: give at least one secret")
	}
	var s sharedSecrets
	for i, secret := range secrets {
		if len(secret) < minSecretBytes {
			return nil, fmt.Errorf("dpop: SharedNonces: secret %d has %d bytes: give at least %d, at random", i, len(secret), minSecretBytes)
		}
		s = append(s, append([]byte(nil), secret...))
	}
	return s, nil
}

type sharedSecrets [][]byte

// Secrets implements [NonceSecrets].
func (s sharedSecrets) Secrets(context.Context) ([][]byte, error) { return s, nil }

// NewNonces returns secrets of this process alone, made at random, and anew every
// hour. The one before stays valid. Nonces do not survive the process, and other
// instances do not know them: their callers are asked to use a new one.
func NewNonces() NonceSecrets { return &ownSecrets{now: time.Now} }

// ownSecrets changes its secrets when they are asked for, so that nothing runs
// between calls.
type ownSecrets struct {
	now func() time.Time

	mu      sync.Mutex
	changed time.Time
	secrets [][]byte // replaced, never changed
}

// Secrets implements [NonceSecrets].
func (s *ownSecrets) Secrets(context.Context) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.secrets == nil || now.Sub(s.changed) >= maxNonceLifetime {
		fresh := make([]byte, minSecretBytes)
		_, _ = rand.Read(fresh) // never fails
		next := [][]byte{fresh}
		if s.secrets != nil && now.Sub(s.changed) < 2*maxNonceLifetime {
			next = append(next, s.secrets[0])
		}
		s.secrets, s.changed = next, now
	}
	return s.secrets, nil
}

func secretsOf(ctx context.Context, nonces NonceSecrets) ([][]byte, error) {
	secrets, err := nonces.Secrets(ctx)
	if err != nil {
		return nil, err
	}
	if len(secrets) == 0 {
		return nil, errors.New("dpop: there is no secret for nonces")
	}
	for _, secret := range secrets {
		if len(secret) < minSecretBytes {
			return nil, errors.New("dpop: a secret for nonces is shorter than 32 bytes")
		}
	}
	return secrets, nil
}

// A nonce is a time in seconds, 8 bytes, and half of a digest of it, 16 bytes.
const (
	timeBytes  = 8
	macBytes   = 16
	nonceBytes = timeBytes + macBytes
)

var nonceEncoding = base64.RawURLEncoding.Strict()

// newNonce makes the nonce of a second.
//
// RFC 9449 section 8: https://www.rfc-editor.org/rfc/rfc9449#section-8
func newNonce(secret []byte, now time.Time) string {
	nonce := binary.BigEndian.AppendUint64(make([]byte, 0, nonceBytes), uint64(now.Unix())) //nolint:gosec // G115: read back the same way
	return nonceEncoding.EncodeToString(append(nonce, macOf(secret, nonce)...))
}

func macOf(secret, timestamp []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("sallyport DPoP nonce\x00"))
	mac.Write(timestamp)
	return mac.Sum(nil)[:macBytes]
}

// ageOf returns how old a nonce is; false if it was made with none of the secrets.
func ageOf(nonce string, secrets [][]byte, now time.Time) (time.Duration, bool) {
	var space [nonceBytes]byte
	if len(nonce) != nonceEncoding.EncodedLen(nonceBytes) {
		return 0, false
	}
	if n, err := nonceEncoding.Decode(space[:], []byte(nonce)); err != nil || n != nonceBytes {
		return 0, false
	}
	for _, secret := range secrets {
		if hmac.Equal(macOf(secret, space[:timeBytes]), space[timeBytes:]) {
			made := time.Unix(int64(binary.BigEndian.Uint64(space[:timeBytes])), 0) //nolint:gosec // G115: it was made from one
			age := now.Sub(made)
			return age, age >= -maxAhead
		}
	}
	return 0, false
}

// Offer returns the next nonce for a caller whose nonce is half used up, so that it
// is not turned away when it ends.
//
// RFC 9449 section 8.2: https://www.rfc-editor.org/rfc/rfc9449#section-8.2
func (b *Binding) Offer(r *http.Request) [][2]string {
	lines := r.Header[header]
	if b.nonces == nil || len(lines) != 1 || len(lines[0]) > maxProofBytes {
		return nil
	}
	compact, err := jose.Split(lines[0])
	if err != nil {
		return nil
	}
	payload, err := compact.PayloadWith(nil)
	if err != nil {
		return nil
	}
	secrets, err := secretsOf(r.Context(), b.nonces)
	if err != nil {
		return nil
	}
	v, _ := payload.Get("nonce")
	nonce, _ := v.Text()
	now := b.clock()
	if age, ok := ageOf(nonce, secrets, now); !ok || age <= b.nonceLifetime/2 {
		return nil
	}
	return [][2]string{{nonceHeader, newNonce(secrets[0], now)}}
}
