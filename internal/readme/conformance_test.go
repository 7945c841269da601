package readme_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
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
			return fmt.Sprintf("| %s | %s | %s | %s | %s |", row[1], row[2], row[3], row[4], links(found[number(t, row[1])]))
		})
		require.NoError(t, os.WriteFile(conformance, []byte(page), 0o644))
	}
	listed := map[int]bool{}
	for _, row := range ruleRow.FindAllStringSubmatch(page, -1) {
		n := number(t, row[1])
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
	source := map[string]string{}
	code := func(dir string) string {
		if dir == "sallyport" {
			dir = "."
		}
		if source[dir] == "" {
			files, err := filepath.Glob(root + dir + "/*.go")
			require.NoError(t, err)
			for _, name := range files {
				if !strings.HasSuffix(name, "_test.go") {
					source[dir] += read(t, name)
				}
			}
		}
		return source[dir]
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

func number(t *testing.T, digits string) int {
	t.Helper()
	n, err := strconv.Atoi(digits)
	require.NoError(t, err)
	return n
}

// links are the test files, as links from the page.
func links(files map[string]bool) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		out = append(out, "["+name+"](../"+name+")")
	}
	return strings.Join(out, ", ")
}

// numberedTests are the test files of this module by the rules that their
// subtests are named after.
func numberedTests(t *testing.T) map[int]map[string]bool {
	t.Helper()
	found := map[int]map[string]bool{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && name != "." || strings.HasPrefix(entry.Name(), ".") && name != "." {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, "_test.go") && name != filepath.Join("internal", "readme", "conformance_test.go") {
			for _, n := range rulesIn(t, path) {
				if found[n] == nil {
					found[n] = map[string]bool{}
				}
				found[n][filepath.ToSlash(name)] = true
			}
		}
		return nil
	}))
	return found
}

// rulesIn are the numbers at the beginning of names in the file: of t.Run, of
// keys of a map, and of values in a row.
func rulesIn(t *testing.T, path string) (numbers []int) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	require.NoError(t, err)
	note := func(name ast.Expr) {
		ast.Inspect(name, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
				numbers = append(numbers, rulesOf(strings.Trim(text.Value, "`\""))...)
			}
			return true
		})
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if of, ok := n.Fun.(*ast.SelectorExpr); ok && of.Sel.Name == "Run" && len(n.Args) == 2 {
				note(n.Args[0])
			}
		case *ast.KeyValueExpr:
			if field, ok := n.Key.(*ast.Ident); !ok {
				note(n.Key)
			} else if field.Name == "name" {
				note(n.Value)
			}
		case *ast.CompositeLit:
			if len(n.Elts) > 1 {
				if first, ok := n.Elts[0].(*ast.BasicLit); ok {
					note(first)
				}
			}
		}
		return true
	})
	return numbers
}

var (
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
	for _, part := range strings.Fields(head[:len(head)-1]) {
		n, _ := strconv.Atoi(part)
		numbers = append(numbers, n)
	}
	for _, more := range further.FindAllStringSubmatch(name, -1) {
		n, _ := strconv.Atoi(more[1])
		numbers = append(numbers, n)
	}
	return numbers
}
