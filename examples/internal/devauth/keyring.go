package devauth

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxKeys bounds a JWKS: rotations without retirement must end somewhere.
const maxKeys = 16

// ErrRotation says that a step of a rotation is not possible now.
var ErrRotation = errors.New("rotation refused")

// keyring holds one issuer's keys. A key moves one way: it is published as
// next, then signs, then stays published for the tokens it signed, then is
// retired. No step refuses a valid token: a key signs only once it is
// published, and retires only when its last token has expired.
// It is safe for concurrent use.
type keyring struct {
	mu       sync.Mutex
	next     *key // published, not signing yet; often nil
	signing  *key
	previous []*key // published, signing no more
	lastExp  map[string]time.Time
}

// KeyState is what an issuer publishes and what it signs with, by kid.
type KeyState struct {
	Signing  string   `json:"signing"`
	Next     string   `json:"next,omitempty"`
	Previous []string `json:"previous"`
}

func newKeyring(first *key) *keyring {
	return &keyring{signing: first, lastExp: map[string]time.Time{}}
}

// signWith returns the key to sign a token with and remembers that the key is
// needed until exp.
func (r *keyring) signWith(exp time.Time) *key {
	r.mu.Lock()
	defer r.mu.Unlock()
	if exp.After(r.lastExp[r.signing.kid]) {
		r.lastExp[r.signing.kid] = exp
	}
	return r.signing
}

func (r *keyring) publish(k *key) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.publishLocked(k)
}

// publishAndPromote signs with the next key at once: with k, unless another
// one waits already.
func (r *keyring) publishAndPromote(k *key) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		if err := r.publishLocked(k); err != nil {
			return err
		}
	}
	return r.promoteLocked()
}

func (r *keyring) promote() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.promoteLocked()
}

func (r *keyring) publishLocked(k *key) error {
	if r.next != nil {
		return fmt.Errorf("devauth: %w: a next key is published already: sign with it first", ErrRotation)
	}
	if len(r.previous)+2 > maxKeys {
		return fmt.Errorf("devauth: %w: %d keys are published: retire old ones first", ErrRotation, maxKeys)
	}
	r.next = k
	return nil
}

func (r *keyring) promoteLocked() error {
	if r.next == nil {
		return fmt.Errorf("devauth: %w: no next key is published: publish one first", ErrRotation)
	}
	r.previous = append(r.previous, r.signing)
	r.signing, r.next = r.next, nil
	return nil
}

// retire withdraws the keys that sign no more. Unless forced it withdraws none
// while a token signed with one of them is valid.
func (r *keyring) retire(now time.Time, force bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.previous {
		if exp := r.lastExp[k.kid]; !force && now.Before(exp) {
			return fmt.Errorf("devauth: %w: tokens of an old key are valid until %s: wait, or use step=%s",
				ErrRotation, exp.UTC().Format(time.RFC3339), StepRetireNow)
		}
	}
	for _, k := range r.previous {
		delete(r.lastExp, k.kid)
	}
	r.previous = nil
	return nil
}

// published lists the public keys, the newest first.
func (r *keyring) published() []jwk {
	r.mu.Lock()
	defer r.mu.Unlock()
	var set []jwk
	if r.next != nil {
		set = append(set, r.next.public)
	}
	set = append(set, r.signing.public)
	for _, k := range slices.Backward(r.previous) {
		set = append(set, k.public)
	}
	return set
}

func (r *keyring) publishes(kid string) bool {
	return slices.ContainsFunc(r.published(), func(k jwk) bool { return k.Kid == kid })
}

func (r *keyring) state() KeyState {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := KeyState{Signing: r.signing.kid, Previous: []string{}}
	if r.next != nil {
		state.Next = r.next.kid
	}
	for _, k := range r.previous {
		state.Previous = append(state.Previous, k.kid)
	}
	return state
}
