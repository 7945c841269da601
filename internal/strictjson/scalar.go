package strictjson

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/internal/view"
)

// text reads a string, and says whether it is written without escapes.
func (s *scanner) text() (plain, ok bool) {
	plain = true
	for s.at++; ; {
		s.at += ordinary(s.data[s.at:])
		if s.at == len(s.data) {
			return plain, s.invalid()
		}
		width := 0
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			return plain, true
		case c == '\\':
			plain = false
			width = escape(s.data[s.at:])
		case c >= utf8.RuneSelf:
			width = encoded(s.data[s.at:])
		}
		if width == 0 { // a control character, or nothing that can stand there
			return plain, s.invalid()
		}
		s.at += width
	}
}

// ordinary counts the bytes before the first that ends a string or needs a
// second look, eight at a time.
func ordinary(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if found := special(binary.LittleEndian.Uint64(b[i:])); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && special(uint64(b[i])|^uint64(0xff)&spaces) == 0 {
		i++
	}
	return i
}

const (
	ones   = 0x0101010101010101
	tops   = 0x80 * ones
	spaces = ' ' * ones
)

// special has the top bit of the first byte of eight that is a quote, a
// backslash, a control character or not ASCII; what lies above it is noise,
// because a borrow can reach there and nowhere else.
func special(eight uint64) uint64 {
	quote, backslash := eight^'"'*ones, eight^'\\'*ones
	return (eight | (eight - spaces) | (quote-ones)&^quote | (backslash-ones)&^backslash) & tops
}

// escape is the length of the escape sequence that b begins with, 0 if it is none.
func escape(b []byte) int {
	switch {
	case len(b) < 2:
		return 0
	case b[1] != 'u':
		if strings.IndexByte(`"\/bfnrt`, b[1]) < 0 {
			return 0
		}
		return 2
	}
	r := codeUnit(b)
	switch {
	case r < 0:
		return 0
	case !utf16.IsSurrogate(r):
		return 6
	case utf16.DecodeRune(r, codeUnit(b[6:])) == utf8.RuneError: // half of a pair
		return 0
	}
	return 12
}

// codeUnit is the code unit of the \uXXXX that b begins with, -1 if it does not.
func codeUnit(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// encoded is the length of the UTF-8 sequence that b, which begins with no
// ASCII, begins with; 0 if it is none.
func encoded(b []byte) int {
	if _, n := utf8.DecodeRune(b); n > 1 {
		return n
	}
	return 0
}

func (s *scanner) literal(word string) bool {
	if !strings.HasPrefix(view.String(s.data[s.at:]), word) {
		return s.invalid()
	}
	s.at += len(word)
	return true
}

// number reads what RFC 8259 section 6 calls one.
func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return s.invalid()
	}
	if s.take('.') && !s.digits() {
		return s.invalid()
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits() || s.invalid()
	}
	return true
}

// digits reads one or more.
func (s *scanner) digits() bool {
	begin := s.at
	for s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at > begin
}
