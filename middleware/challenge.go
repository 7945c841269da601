package middleware

import "strings"

// Challenge is one challenge of a WWW-Authenticate header (RFC 9110 section 11.6.1).
type Challenge struct {
	Scheme string
	Params []Param
}

// Param is one auth-param of a [Challenge].
type Param struct {
	Name  string
	Value string
}

// String is the challenge as it goes over the wire. Every value is a
// quoted-string: quotes and backslashes are escaped, and characters outside
// printable ASCII are dropped, so that no value can end the header or forge a
// parameter. The first of several parameters of one name is kept; names are
// compared without regard to case. Names that are no token are left out, and
// a scheme that is none makes the whole challenge empty.
func (c Challenge) String() string {
	if !isToken(c.Scheme) {
		return ""
	}
	var b strings.Builder
	b.Grow(c.size())
	b.WriteString(c.Scheme)
	separator := " "
	for i, p := range c.Params {
		if !isToken(p.Name) || named(c.Params[:i], p.Name) {
			continue
		}
		b.WriteString(separator)
		b.WriteString(p.Name)
		b.WriteByte('=')
		quote(&b, p.Value)
		separator = ", "
	}
	return b.String()
}

// Param is the value of the parameter of that name, "" if there is none.
func (c Challenge) Param(name string) string {
	for _, p := range c.Params {
		if strings.EqualFold(p.Name, name) {
			return p.Value
		}
	}
	return ""
}

func (c Challenge) size() int {
	n := len(c.Scheme)
	for _, p := range c.Params {
		n += len(`, =""`) + len(p.Name) + len(p.Value)
	}
	return n
}

func named(params []Param, name string) bool {
	for _, p := range params {
		if strings.EqualFold(p.Name, name) {
			return true
		}
	}
	return false
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
