package verifier

// KnownHeaders is how many headers of proven tokens v remembers.
func (v *Verifier) KnownHeaders() int {
	if known := v.headers.known.Load(); known != nil {
		return len(*known)
	}
	return 0
}
