// Package setting has the mistakes of a configuration. A mistake names its
// settings apart from its text, so that a program whose user wrote an
// environment variable or a flag can say that name instead of the field's.
package setting

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Name is a setting by the name that its package gives it.
type Name string

// mistake is an error whose arguments may be Names, or mistakes that are its
// reason.
type mistake struct {
	prefix string
	format string
	args   []any
}

// Errorf returns a mistake. Arguments that are a [Name] can be replaced later
// by [Rename]. It wraps nothing.
func Errorf(format string, args ...any) error { return &mistake{format: format, args: args} }

func (m *mistake) Error() string { return m.prefix + fmt.Sprintf(m.format, m.args...) }

func (m *mistake) renamed(prefix string, names Names) *mistake {
	out := &mistake{prefix: prefix, format: m.format, args: make([]any, len(m.args))}
	for i, arg := range m.args {
		out.args[i] = arg
		switch arg := arg.(type) {
		case Name:
			if name, ok := names[arg]; ok {
				out.args[i] = Name(name)
			}
		case *mistake:
			out.args[i] = arg.renamed("", names)
		}
	}
	return out
}

// Rename returns err with every mistake in it under the names that the user of
// a program knows. A mistake loses the text that wrapped it, which says where in
// the code it was found, and begins with prefix instead; it can be renamed
// again. Mistakes that are the same then are reported once. Other errors stay
// as they are.
func Rename(err error, prefix string, names Names) error {
	var out []error
	seen := make(map[string]bool)
	add := func(err error) {
		if text := err.Error(); !seen[text] {
			seen[text] = true
			out = append(out, err)
		}
	}
	var walk func(error)
	walk = func(err error) {
		var found *mistake
		if !errors.As(err, &found) {
			if err != nil {
				add(err)
			}
			return
		}
		switch e := err.(type) { //nolint:errorlint // takes the tree apart, one level at a time
		case *mistake:
			add(e.renamed(prefix, names))
		case interface{ Unwrap() []error }:
			for _, part := range e.Unwrap() {
				walk(part)
			}
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		}
	}
	walk(err)
	return errors.Join(out...)
}

// Flaw reports why no text of a token or an address can equal value: what a
// shell, a file of variables or a template leaves in it by mistake. It returns
// "" for a value without such a flaw, and for an empty one.
func Flaw(value string) string {
	switch {
	case !utf8.ValidString(value):
		return "is no UTF-8"
	case strings.TrimSpace(value) != value:
		return "begins or ends with white space"
	case strings.ContainsFunc(value, unicode.IsSpace):
		return "holds white space"
	case strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "holds a character that cannot be seen"
	case strings.ContainsAny(value, `"“”„«»`), strings.Trim(value, "'`‘’") != value:
		return "holds a quotation mark"
	case strings.Contains(value, "${"), strings.Contains(value, "$("), strings.Contains(value, "{{"), strings.Contains(value, "#{"), strings.ContainsAny(value, "<>"), isReference(value):
		return "holds a placeholder that was not filled in"
	}
	return ""
}

// isReference reports whether value is a variable of a shell or of Windows, $NAME
// or %NAME%, that nothing has put a value for.
func isReference(value string) bool {
	name, ok := strings.CutPrefix(value, "$")
	if !ok && len(value) > 1 && value[0] == '%' && value[len(value)-1] == '%' {
		name, ok = value[1:len(value)-1], true
	}
	return ok && name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
}

// ListFlaw is [Flaw] for one value of a list.
func ListFlaw(value string) string {
	if flaw := Flaw(value); flaw != "" {
		return flaw
	}
	if strings.ContainsAny(value, ",;") {
		return "holds a comma or semicolon, which separates nothing here"
	}
	return ""
}

// CheckList returns a mistake for each value of a list that can match nothing.
func CheckList(name Name, values []string) error {
	var problems []error
	for _, value := range values {
		if flaw := ListFlaw(value); flaw != "" {
			problems = append(problems, Errorf("%s: %.100q %s", name, value, flaw))
		}
	}
	return errors.Join(problems...)
}
