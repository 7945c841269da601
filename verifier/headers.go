package verifier

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sallyport-go/sallyport/internal/jose"
)

// headers remembers what the headers of proven tokens say, by their encoded
// text. An issuer's tokens all have the same one until it rotates its keys, so
// it need not be decoded again; and a token whose header none of the proven
// ones had cannot be among them. Nothing that is not signed gets in.
//
// Readers take no lock. The zero headers knows none.
type headers struct {
	mu    sync.Mutex // of those who add
	known atomic.Pointer[map[string]*jose.Header]
	full  atomic.Bool
}

// maxHeaders bounds them: a few hundred keys, of one issuer or of many. Issuers
// that put something else into each header gain nothing and lose nothing.
const maxHeaders = 256

// find is what the header of that text says, nil if it is not known.
func (h *headers) find(text string) *jose.Header {
	known := h.known.Load()
	if known == nil {
		return nil
	}
	return (*known)[text]
}

// excludes reports that no proven token had a header of that text.
func (h *headers) excludes(text string) bool {
	return h.find(text) == nil && !h.full.Load()
}

// add remembers a proven token's header. Its strings are copied: what they were
// cut from may be large.
func (h *headers) add(text string, header *jose.Header) {
	if h.full.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	next := map[string]*jose.Header{}
	if known := h.known.Load(); known != nil {
		if (*known)[text] != nil {
			return
		}
		if len(*known) == maxHeaders {
			h.full.Store(true)
			return
		}
		next = maps.Clone(*known)
	}
	own := *header
	own.Algorithm, own.KeyID = strings.Clone(header.Algorithm), strings.Clone(header.KeyID)
	own.Type, own.ContentType = strings.Clone(header.Type), strings.Clone(header.ContentType)
	next[strings.Clone(text)] = &own
	h.known.Store(&next)
}
