package readme_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the tests into docs/conformance.md")

const conformance = root + "docs/conformance.md"

// A row of the page: its number, the rule, its standard, the code and the tests.
var ruleRow = regexp.MustCompile(`(?m)^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$`)

// TestConformanceNamesItsTests compares the last column with the subtests whose
// name begins with the number of a rule.
func TestConformanceNamesItsTests(t *testing.T) {
	if !*update {
		t.Parallel()
	}
	page, found := read(t, conformance), numberedTests(t)
	if *update {
		page = ruleRow.ReplaceAllStringFunc(page, func(line string) string {
			row := ruleRow.FindStringSubmatch(line)
			n, _ := strconv.Atoi(row[1])
			return fmt.Sprintf("| %d | %s | %s | %s | %s |", n, row[2], row[3], row[4], links(found[n]))
		})
		require.NoError(t, os.WriteFile(conformance, []byte(page), 0o644))
	}
	listed := map[int]bool{}
	for _, row := range ruleRow.FindAllStringSubmatch(page, -1) {
		n, _ := strconv.Atoi(row[1])
		assert.False(t, listed[n], "rule %d is listed twice", n)
		listed[n] = true
		assert.NotEmpty(t, found[n], "no test is named after rule %d", n)
		assert.Equal(t, links(found[n]), row[5], "rule %d: run the test with -update", n)
	}
	for n, files := range found {
		assert.True(t, listed[n], "rule %d of %v is not on the page", n, slices.Sorted(maps.Keys(files)))
	}
}

// TestConformanceNamesItsCode finds what the page says implements a rule: a
// symbol of a package, or a check by its name in verifier.Report.
func TestConformanceNamesItsCode(t *testing.T) {
	t.Parallel()
	symbol := regexp.MustCompile("`([a-z/]+)\\.([A-Za-z.]+)`")
	check := regexp.MustCompile("check `([a-z_]+)`")
	files := repositoryFiles(t)
	code := func(dir string) (source string) {
		if dir == "sallyport" {
			dir = "."
		}
		for name, text := range files {
			if path.Dir(name) == dir && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
				source += string(text)
			}
		}
		return source
	}
	for _, row := range ruleRow.FindAllStringSubmatch(read(t, conformance), -1) {
		symbols, checks := symbol.FindAllStringSubmatch(row[4], -1), check.FindAllStringSubmatch(row[4], -1)
		assert.NotEmpty(t, append(symbols, checks...), "rule %s names no code", row[1])
		assert.Contains(t, row[3], "](https://", "rule %s names no standard", row[1])
		for _, s := range symbols {
			declared := `(?m)^(func|type) ` + s[2] + `\b`
			if of, name, isMember := strings.Cut(s[2], "."); isMember { // a method, or a field
				declared = `(?m)^func \(\w+ \*?` + of + `\) ` + name + `\(|(?s)^type ` + of + ` struct \{.*?\n\t` + name + `\b`
			}
			assert.Regexp(t, declared, code(s[1]), "rule %s names `%s.%s`", row[1], s[1], s[2])
		}
		for _, c := range checks {
			assert.Contains(t, code("verifier"), `"`+c[1]+`"`, "rule %s names a check", row[1])
		}
	}
}

// links are the test files, as links from the page.
func links(files map[string]bool) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		out = append(out, "["+name+"](../"+name+")")
	}
	return strings.Join(out, ", ")
}

// numberedTests are the test files of this module by the rules that names in
// them begin with.
func numberedTests(t *testing.T) map[int]map[string]bool {
	t.Helper()
	found, all := map[int]map[string]bool{}, repositoryFiles(t)
	for name, text := range all {
		module, _, _ := strings.Cut(name, "/")
		if all[module+"/go.mod"] != nil || !strings.HasSuffix(name, "_test.go") || name == "internal/readme/conformance_test.go" {
			continue
		}
		for _, literal := range literals.FindAllStringSubmatch(string(text), -1) {
			for _, n := range rulesOf(literal[1]) {
				if found[n] == nil {
					found[n] = map[string]bool{}
				}
				found[n][name] = true
			}
		}
	}
	return found
}

var (
	literals = regexp.MustCompile("[(\\t {](?:name: )?[\"`]((?:[0-9]{1,3} )+[A-Za-z][^\"`]*)[\"`]")
	numbered = regexp.MustCompile(`^(?:(?:0?[1-9]|1?[1-9][0-9]|1[0-9]{2}) )+[A-Za-z]`) // 1 to 199: beyond are statuses
	further  = regexp.MustCompile(`, ([0-9]{1,3}) `)
	quantity = regexp.MustCompile(`^[0-9]+ (?:bits|bytes|parts|keys|[KM]i?B)\b`)
)

// rulesOf are the numbers that a name begins with, and those behind a comma.
func rulesOf(name string) (numbers []int) {
	if !numbered.MatchString(name) || quantity.MatchString(name) {
		return nil
	}
	head := numbered.FindString(name)
	words := strings.Fields(head[:len(head)-1])
	for _, more := range further.FindAllStringSubmatch(name, -1) {
		words = append(words, more[1])
	}
	for _, word := range words {
		n, _ := strconv.Atoi(word)
		numbers = append(numbers, n)
	}
	return numbers
}
