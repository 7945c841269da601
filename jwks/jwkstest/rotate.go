package jwkstest

import "slices"

// Rotate makes a key of the same algorithm as the signing one, publishes it and
// signs with it from now on. The old one stays published.
func (iss *Issuer) Rotate() *Key {
	key := iss.NewKey(iss.Key().alg)
	iss.Publish(key)
	iss.Use(key)
	return key
}

// Key is the key that signs.
func (iss *Issuer) Key() *Key {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.signing
}

// Publish adds keys to the end of the set. It says nothing about who signs: an
// issuer that behaves publishes a key well before it uses it.
func (iss *Issuer) Publish(keys ...*Key) {
	iss.change(func() { iss.published = append(iss.published, keys...) })
}

// Use signs with key from now on, published or not.
func (iss *Issuer) Use(key *Key) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.signing = key
}

// Remove takes the keys of that kid out of the set. The signing key signs on,
// even if it is gone.
func (iss *Issuer) Remove(kid string) {
	iss.change(func() {
		iss.published = slices.DeleteFunc(slices.Clone(iss.published), func(k *Key) bool { return k.id == kid })
	})
}

// Replace puts other material in the place of the published key of that kid,
// as an issuer does that has lost its keys. If it signed, the new one does.
func (iss *Issuer) Replace(kid string) *Key {
	old := iss.find(kid)
	if old == nil {
		iss.fail("no key of kid %q is published", kid)
	}
	private, err := iss.generate(old.alg)
	if err != nil {
		iss.fail("%v", err)
	}
	public, err := publicMembers(private)
	if err != nil {
		iss.fail("%v", err)
	}
	key := &Key{id: old.id, alg: old.alg, private: private, jwk: merge(old.jwk, public)}
	iss.change(func() {
		iss.published = slices.Clone(iss.published)
		for i, k := range iss.published {
			if k == old {
				iss.published[i] = key
			}
		}
		if iss.signing == old {
			iss.signing = key
		}
	})
	return key
}

// Published are the keys in the set, in its order.
func (iss *Issuer) Published() []*Key {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return slices.Clone(iss.published)
}

func (iss *Issuer) find(kid string) *Key {
	for _, k := range iss.Published() {
		if k.id == kid {
			return k
		}
	}
	return nil
}

// newest is the key that was published last to sign with alg; iss.mu is held.
func (iss *Issuer) newest(alg string) *Key {
	for _, k := range slices.Backward(iss.published) {
		if use := k.jwk["use"]; k.alg == alg && (use == "sig" || use == nil) {
			return k
		}
	}
	return nil
}

func (iss *Issuer) change(set func()) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	set()
	iss.snap()
}
