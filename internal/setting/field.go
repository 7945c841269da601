package setting

import (
	"reflect"
	"strings"
)

// Field is one setting of a struct that programs fill from environment
// variables or flags. Its value is a string or a list of strings.
type Field struct {
	Name Name
	// Also are other names that mistakes about it have, of arguments and of
	// fields elsewhere that take its value.
	Also []Name
	// Env is the environment variable, Flag the flag without its dash.
	Env, Flag string
	// Help says what to give, to be read behind "give ".
	Help string
	// List reports whether it holds several values. A variable separates them
	// by spaces, a flag is repeated.
	List bool

	value reflect.Value
}

// Fields returns the settings of the struct that of points to, in its order:
// the fields with a tag env, whose other tags are flag, help and also (names
// separated by spaces).
func Fields(of any) []Field {
	v := reflect.ValueOf(of).Elem()
	var fields []Field
	for i := range v.NumField() {
		f := v.Type().Field(i)
		env, ok := f.Tag.Lookup("env")
		if !ok {
			continue
		}
		field := Field{
			Name: Name(f.Name), Env: env, Flag: f.Tag.Get("flag"), Help: f.Tag.Get("help"),
			List: f.Type.Kind() == reflect.Slice, value: v.Field(i),
		}
		for _, name := range strings.Fields(f.Tag.Get("also")) {
			field.Also = append(field.Also, Name(name))
		}
		fields = append(fields, field)
	}
	return fields
}

// Values returns what the field holds: nothing, one string, or a list.
func (f Field) Values() []string {
	switch {
	case f.List:
		list, _ := f.value.Interface().([]string)
		return list
	case f.value.String() == "":
		return nil
	default:
		return []string{f.value.String()}
	}
}

// Set replaces the string, or the whole list by the values in text, which are
// separated by white space.
func (f Field) Set(text string) {
	if f.List {
		f.value.Set(reflect.ValueOf(strings.Fields(text)))
	} else {
		f.value.SetString(text)
	}
}

// Add replaces the string, or adds one value to the list.
func (f Field) Add(value string) {
	if f.List {
		f.value.Set(reflect.Append(f.value, reflect.ValueOf(value)))
	} else {
		f.value.SetString(value)
	}
}

// NamesBy returns what to [Rename] the settings to: what by says of each field,
// under all names that it has.
func NamesBy(fields []Field, by func(Field) string) Names {
	names := make(Names)
	for _, f := range fields {
		for _, name := range f.Names() {
			names[name] = by(f)
		}
	}
	return names
}

// Names returns all names that mistakes about the field have.
func (f Field) Names() []Name { return append([]Name{f.Name}, f.Also...) }
