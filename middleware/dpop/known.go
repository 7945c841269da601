package dpop

import (
	"crypto/sha256"
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/sallyport-go/sallyport/internal/jose"
)

// known remembers the headers of good proofs: all of a client are the same, and to
// read one takes as long as a part of the signature's check. What is found in a
// header depends on its text and the configuration alone, so that a remembered
// header is as good as one that is read.
//
// A header is remembered when everything about its proof was found good, so only
// those who have a token take a place. It is bounded: a place holds one.
type known struct {
	seed   maphash.Seed
	places [1024]atomic.Pointer[knownHeader]
}

// maxKnown is the longest header that is remembered, in bytes, so that all together
// are at most 2 MiB.
const maxKnown = 1 << 10

type knownHeader struct {
	text       string // as it is encoded
	alg        string
	key        jose.Key
	thumbprint [sha256.Size]byte
}

func newKnown() *known { return &known{seed: maphash.MakeSeed()} }

func (k *known) place(text string) *atomic.Pointer[knownHeader] {
	return &k.places[maphash.String(k.seed, text)%uint64(len(k.places))]
}

// recall reads the header from memory, and reports whether it was there.
func (p *proof) recall() bool {
	text := p.compact.HeaderText()
	h := p.binding.known.place(text).Load()
	if h == nil || h.text != text {
		return false
	}
	p.alg, p.key, p.thumbprint = h.alg, h.key, h.thumbprint
	return true
}

// remember keeps the header of a good proof.
func (p *proof) remember() {
	text := p.compact.HeaderText()
	if len(text) > maxKnown {
		return
	}
	h := &knownHeader{strings.Clone(text), strings.Clone(p.alg), p.key, p.thumbprint}
	h.key.Algorithm = strings.Clone(h.key.Algorithm)
	p.binding.known.place(text).Store(h)
}
