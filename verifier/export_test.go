package verifier

// WhileVerifying calls f in every verification of a signature until restore is
// called, to count them and to hold them up. The test that calls it runs alone.
func WhileVerifying(f func()) (restore func()) {
	before := signed
	signed = append([]step{{name: "held up", run: func(*check) *Error { f(); return nil }}}, before...)
	return func() { signed = before }
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
	return v.cache.digestOf(&request{token: token})
}

// KnownHeaders is how many headers of verified tokens v remembers.
func (v *Verifier) KnownHeaders() int {
	if known := v.headers.known.Load(); known != nil {
		return len(known.byText)
	}
	return 0
}
