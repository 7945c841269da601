package middleware

import "strings"

// Challenge is one challenge of a WWW-Authenticate header (RFC 9110 section 11.6.1).
type Challenge struct {
	Scheme string
	Params [][2]string // names and values, in order
}

// String returns the challenge as it is sent. Every value is a quoted-string:
// quotes and backslashes are escaped, and characters outside printable ASCII
// are dropped, so that no value can end the header or forge a parameter. The
// first of several parameters of one name is kept; names are compared without
// regard to case. Names that are no token are left out, and a scheme that is
// none makes the whole challenge empty.
func (c Challenge) String() string {
	if !isToken(c.Scheme) {
		return ""
	}
	var b strings.Builder
	size := len(c.Scheme)
	for _, p := range c.Params {
		size += len(`, =""`) + len(p[0]) + len(p[1])
	}
	b.Grow(size)
	b.WriteString(c.Scheme)
	separator := " "
	for i, p := range c.Params {
		name, value := p[0], p[1]
		if _, twice := lookup(c.Params[:i], name); twice || !isToken(name) {
			continue
		}
		b.WriteString(separator)
		b.WriteString(name)
		b.WriteByte('=')
		quote(&b, value)
		separator = ", "
	}
	return b.String()
}

// add adds a parameter that is not there.
func (c *Challenge) add(name, value string) {
	if _, ok := lookup(c.Params, name); !ok {
		c.Params = append(c.Params, [2]string{name, value})
	}
}

// lookup returns the first value of that name.
func lookup(params [][2]string, name string) (value string, ok bool) {
	for _, p := range params {
		if strings.EqualFold(p[0], name) {
			return p[1], true
		}
	}
	return "", false
}

func quote(b *strings.Builder, value string) {
	b.WriteByte('"')
	for i := range len(value) {
		switch c := value[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case printable(c):
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}

func printable(c byte) bool { return ' ' <= c && c <= '~' }
