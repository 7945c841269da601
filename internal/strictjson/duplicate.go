package strictjson

import (
	"bytes"
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Duplicate returns the first member that an object in data has twice, by the
// path of names to it (RFC 6901), and false if that is not what is wrong with
// data. It is for people: the errors of [Parse] quote nothing.
func Duplicate(data []byte) (path string, found bool) {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		_, err := d.ReadToken()
		if err == nil {
			continue
		}
		if !errors.Is(err, jsontext.ErrDuplicateName) {
			return "", false
		}
		if at, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			path = strings.TrimPrefix(string(at.JSONPointer), "/")
		}
		return path, true
	}
}
