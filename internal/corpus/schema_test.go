package corpus_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// schema is a schema of JSON Schema 2020-12, as far as the corpus uses it. A keyword that is not read here is a mistake,
// so that none passes because nobody looks.
type schema map[string]any

// annotations say nothing of what is valid.
var annotations = []string{"$schema", "$id", "title", "description", "$defs"}

// check returns what is wrong with a value, as json.Unmarshal makes it. root resolves references.
func (s schema) check(root schema, at string, v any) (wrong []string) {
	fail := func(format string, args ...any) { wrong = append(wrong, at+": "+fmt.Sprintf(format, args...)) }
	object, _ := v.(map[string]any)
	list, _ := v.([]any)
	text, isText := v.(string)
	number, isNumber := v.(float64)
	for _, keyword := range slices.Sorted(maps.Keys(s)) {
		switch rule := s[keyword]; keyword {
		case "type":
			if got := typeOf(v); got != rule && (got != "integer" || rule != "number") {
				fail("a %s, not a %v", got, rule)
			}
		case "enum":
			if values, _ := rule.([]any); !slices.Contains(values, v) {
				fail("%v is none of %v", v, values)
			}
		case "const":
			if !reflect.DeepEqual(rule, v) {
				fail("%v is not %v", v, rule)
			}
		case "pattern":
			if isText && !regexp.MustCompile(fmt.Sprint(rule)).MatchString(text) {
				fail("%q does not match %v", text, rule)
			}
		case "minLength", "minItems", "minimum":
			size := map[string]float64{"minLength": float64(utf8.RuneCountInString(text)), "minItems": float64(len(list)), "minimum": number}[keyword]
			applies := map[string]bool{"minLength": isText, "minItems": list != nil, "minimum": isNumber}[keyword]
			if least, _ := rule.(float64); applies && size < least {
				fail("%s is %v", keyword, least)
			}
		case "items":
			for i, item := range list {
				wrong = append(wrong, sub(rule).check(root, fmt.Sprint(at, "[", i, "]"), item)...)
			}
		case "$ref":
			wrong = append(wrong, root.definition(fmt.Sprint(rule)).check(root, at, v)...)
		case "then", "else": // read with if
		case "if":
			branch := "then"
			if len(sub(rule).check(root, at, v)) > 0 {
				branch = "else"
			}
			wrong = append(wrong, sub(s[branch]).check(root, at, v)...)
		default:
			wrong = append(wrong, s.checkObject(root, at, keyword, object)...)
		}
	}
	return wrong
}

// checkObject is check for the keywords of objects.
func (s schema) checkObject(root schema, at, keyword string, object map[string]any) (wrong []string) {
	properties, _ := s["properties"].(map[string]any)
	switch keyword {
	case "required":
		names, _ := s[keyword].([]any)
		for _, name := range names {
			if _, ok := object[fmt.Sprint(name)]; object != nil && !ok {
				wrong = append(wrong, fmt.Sprint(at, ": ", name, " is missing"))
			}
		}
	case "properties":
		for name, rule := range properties {
			if v, ok := object[name]; ok {
				wrong = append(wrong, sub(rule).check(root, at+"."+name, v)...)
			}
		}
	case "additionalProperties": // only ever false
		for name := range object {
			if _, ok := properties[name]; !ok {
				wrong = append(wrong, at+": "+name+" is not foreseen")
			}
		}
	default:
		if !slices.Contains(annotations, keyword) {
			wrong = append(wrong, "the schema uses "+keyword+", which this test does not read")
		}
	}
	return wrong
}

func sub(rule any) schema {
	m, _ := rule.(map[string]any)
	return m
}

func (s schema) definition(ref string) schema {
	return sub(sub(s["$defs"])[strings.TrimPrefix(ref, "#/$defs/")])
}

func typeOf(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case bool:
		return "boolean"
	}
	return "null"
}

func readSchema(t *testing.T) (s schema) {
	t.Helper()
	require.NoError(t, json.Unmarshal(read(t, "schema.json"), &s))
	require.Equal(t, "https://json-schema.org/draft/2020-12/schema", s["$schema"])
	return s
}

func value(t *testing.T, text []byte) (v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(text, &v), "%.80s", text)
	return v
}

func TestEachLineHoldsToTheSchema(t *testing.T) {
	t.Parallel()
	root := readSchema(t)
	all := lines(t)
	require.NotEmpty(t, all)
	for i, line := range all {
		assert.Empty(t, root.check(root, fmt.Sprint("line ", i+1), value(t, line)))
	}
}

func TestPoliciesAndManifestHoldToTheSchema(t *testing.T) {
	t.Parallel()
	root := readSchema(t)
	files, err := made()
	require.NoError(t, err)
	policies := 0
	for name := range files {
		if strings.HasPrefix(name, "policies/") {
			policies++
			assert.Empty(t, root.definition("#/$defs/policy").check(root, name, value(t, read(t, name))))
		}
	}
	assert.NotZero(t, policies)
	assert.Empty(t, root.definition("#/$defs/manifest").check(root, "corpus.json", value(t, read(t, "corpus.json"))))
}

// TestTheSchemaRefuses spoils a line in each way that the schema forbids.
func TestTheSchemaRefuses(t *testing.T) {
	t.Parallel()
	root := readSchema(t)
	good := string(lines(t)[0])
	require.Empty(t, root.check(root, "", value(t, []byte(good))))
	for name, row := range map[string]struct {
		member string
		value  any // nil: without it
		wrong  string
	}{
		"no name":                      {"name", nil, "name is missing"},
		"an empty name":                {"name", "", ".name: minLength is 1"},
		"no token":                     {"token", nil, "token is missing"},
		"a token that is a number":     {"token", 1, ".token: a integer, not a string"},
		"keys that are a path":         {"keys", "../issuer.json", `.keys: "../issuer.json" does not match`},
		"another verdict":              {"verdict", "maybe", ".verdict: maybe is none of"},
		"another level":                {"level", "bug", ".level: bug is none of"},
		"bad, and an outage":           {"level", "outage", ".level: outage is none of"},
		"bad without a reason":         {"reason", "", ".reason: minLength is 1"},
		"good with a reason":           {"verdict", "good", ".reason: "},
		"a section without its number": {"section", "RFC", ".section: "},
		"an address by http":           {"url", "http://example.com", ".url: "},
		"a member more":                {"note", "x", "note is not foreseen"},
		"a variant by nothing":         {"variant", "", ".variant:  is none of"},
		"a request without proofs":     {"request", map[string]any{"method": "GET", "url": "https://api.example/"}, ".request: proofs is missing"},
		"a proof that is a number":     {"request", map[string]any{"method": "GET", "url": "https://api.example/", "proofs": []any{1.0}}, ".request.proofs[0]: a integer, not a string"},
	} {
		spoilt, _ := value(t, []byte(good)).(map[string]any)
		if spoilt[row.member] = row.value; row.value == nil {
			delete(spoilt, row.member)
		}
		if n, ok := row.value.(int); ok {
			spoilt[row.member] = float64(n)
		}
		assert.Contains(t, strings.Join(root.check(root, "", spoilt), "\n"), row.wrong, name)
	}
	assert.NotEmpty(t, schema{"oneOf": nil}.check(root, "", nil), "a keyword that is not read")
}
