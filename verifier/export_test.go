package verifier

import "context"

// WhileProving calls f in every proof until restore is called, to count them
// and to hold them up. The test that calls it must run alone.
func WhileProving(f func()) (restore func()) {
	before := proof
	proof = append([]step{{name: "held up", run: func(*check) *Error { f(); return nil }}}, before...)
	return func() { proof = before }
}

// Remembered is how many tokens v's cache holds, and what they weigh.
func (v *Verifier) Remembered() (tokens int, bytes int64) {
	if v.cache == nil {
		return 0, 0
	}
	v.cache.entries.CleanUp()
	return v.cache.entries.EstimatedSize(), int64(v.cache.entries.WeightedSize())
}

// Digest is what v's cache calls the token.
func (v *Verifier) Digest(token string) [32]byte {
	c := newCheck(context.Background(), v, token)
	defer c.release()
	return c.digestOf(v.cache.prefix[:])
}
