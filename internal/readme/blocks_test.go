package readme_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// block is a fenced block of a page.
type block struct {
	page, language, text string
	line                 int // of the page, where its text begins
}

var fence = regexp.MustCompile("(?s)\n```(\\w*)\n(.*?)\n```")

// blocksOf returns the blocks of a page in one of these languages.
func blocksOf(page, text string, languages ...string) (found []block) {
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		b := block{page, text[at[2]:at[3]], text[at[4]:at[5]], 1 + strings.Count(text[:at[4]], "\n")}
		if slices.Contains(languages, b.language) {
			found = append(found, b)
		}
	}
	return found
}

// source is a Go file that tests run: of tests, or of an example program.
type source struct {
	name  string
	lines []string // as essential leaves them
	at    []int    // their numbers in the file
	text  []byte
}

// sources returns the Go files whose code a page may show.
func sources(files map[string][]byte) (out []source) {
	for name, text := range files {
		program := (strings.HasPrefix(name, "examples/") || strings.HasPrefix(name, "integration/proxies/")) && path.Ext(name) == ".go"
		if !program && !strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "internal/readme/") {
			continue
		}
		s := source{name: name, text: text}
		s.lines, s.at = essential(string(text))
		out = append(out, s)
	}
	return out
}

// essential returns the lines of Go code and their numbers, squeezed and without
// what a page may leave out: empty lines, and what becomes of an error or a Gate.
func essential(code string) (lines []string, at []int) {
	n, failing := 0, false
	for line := range strings.Lines(code) {
		n++
		line = squeezed(line)
		switch {
		case failing:
			failing = line != "}"
		case line == "if err != nil {":
			failing = true
		case line == "" || line == "require.NoError(t, err)" || line == "defer gate.Close()":
		default:
			lines, at = append(lines, strings.TrimPrefix(line, "import ")), append(at, n)
		}
	}
	return lines, at
}

// find returns the line numbers of a passage, nil if the file does not have it.
func (s source) find(passage []string) []int {
	for i := 0; i+len(passage) <= len(s.lines); i++ {
		if slices.Equal(s.lines[i:i+len(passage)], passage) {
			return s.at[i : i+len(passage)]
		}
	}
	return nil
}

// passages are the lines of a block; "// ..." leaves lines of the file out.
func (b block) passages() (out [][]string) {
	var passage []string
	lines, _ := essential(b.text + "\n// ...\n")
	for _, line := range lines {
		switch {
		case line != "// ...":
			passage = append(passage, line)
		case passage != nil:
			out, passage = append(out, passage), nil
		}
	}
	return out
}

// idle returns the first declaration on these lines that no test runs, or "":
// all must be tests, examples whose output is compared, or what those name.
func (s source) idle(t *testing.T, all []source, lines []int) string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, s.name, s.text, parser.ParseComments)
	require.NoError(t, err)
	for _, declared := range file.Decls {
		from, to := set.Position(declared.Pos()).Line, set.Position(declared.End()).Line
		if !slices.ContainsFunc(lines, func(n int) bool { return from <= n && n <= to }) {
			continue
		}
		function, isFunction := declared.(*ast.FuncDecl)
		if !isFunction { // the compiler sees to it that a test's types and variables are used
			continue
		}
		name, body := function.Name.Name, string(s.text[set.Position(function.Pos()).Offset:set.Position(function.End()).Offset])
		ran := strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Example") && regexp.MustCompile(`// (?:Unordered o|O)utput:`).MatchString(body)
		if !ran && !named(all, path.Dir(s.name), name) {
			return name
		}
	}
	return ""
}

// named reports whether the tests of a package name a function, or where they
// run a program the program does.
func named(all []source, dir, function string) bool {
	word := regexp.MustCompile(`\b` + function + `\b`)
	uses := 0
	for _, s := range all {
		if path.Dir(s.name) == dir {
			uses += len(word.FindAll(s.text, -1))
		}
	}
	return uses > 1
}
