package mcpauth

import "io"

// firstByte asks before a body is read that does not hold a single message. JSON
// begins a single message with a brace; whatever begins otherwise counts as a batch.
type firstByte struct {
	io.ReadCloser
	batch  func() error
	judged bool
	err    error
}

// Read reads the body, or returns why it must not be read.
func (f *firstByte) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.ReadCloser.Read(p)
	for i := 0; i < n && !f.judged; i++ {
		switch p[i] {
		case ' ', '\t', '\r', '\n': // RFC 8259 section 2: https://www.rfc-editor.org/rfc/rfc8259#section-2
			continue
		case '{':
		default:
			if f.err = f.batch(); f.err != nil {
				return 0, f.err
			}
		}
		f.judged = true
	}
	return n, err
}
