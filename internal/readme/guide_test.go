package readme_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// guide returns the pages of the guide by their name, without the index.
func guide(t *testing.T, files map[string][]byte) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for name, text := range files {
		if dir, base := path.Split(name); dir == "docs/guide/" && path.Ext(base) == ".md" && base != "README.md" {
			pages[name] = string(text)
		}
	}
	require.NotEmpty(t, pages)
	return pages
}

func TestEveryPageOfTheGuideIsAQuestionAndAnswersItInTenLines(t *testing.T) {
	t.Parallel()
	for name, text := range guide(t, repositoryFiles(t)) {
		title, rest, _ := strings.Cut(text, "\n")
		assert.Regexp(t, `^# .*\?( What now\?)?$`, title, "%s: the title is a question", name)
		lines := strings.SplitN(rest, "\n", 10)
		assert.GreaterOrEqual(t, utf8.RuneCountInString(prose(lines[:min(9, len(lines))])), 80, "%s: an answer in the first ten lines", name)
	}
}

// prose returns the paragraphs among lines: neither headings nor blocks, tables
// nor lists.
func prose(lines []string) string {
	var out []string
	fenced := false
	for _, line := range lines {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		} else if !fenced && !regexp.MustCompile(`^\s*([#|>-]|\d+\.)`).MatchString(line) {
			out = append(out, line)
		}
	}
	return squeezed(strings.Join(out, " "))
}

// TestEveryGoBlockOfTheGuideIsCodeThatTestsRun finds each block in a test file
// or an example program: it is a passage of it, or several with "// ..." between.
func TestEveryGoBlockOfTheGuideIsCodeThatTestsRun(t *testing.T) {
	t.Parallel()
	files := repositoryFiles(t)
	all := sources(files)
	blocks := 0
	for name, text := range guide(t, files) {
		for _, b := range blocksOf(name, text, "go") {
			blocks++
			assert.Empty(t, unfounded(t, all, b), "%s:%d", b.page, b.line)
		}
	}
	assert.Greater(t, blocks, 25)
}

// unfounded says what is wrong with a Go block, "" for nothing.
func unfounded(t *testing.T, all []source, b block) string {
	t.Helper()
	passages := b.passages()
	if len(passages) == 0 {
		return "the block is empty"
	}
	idle, best, missing := "", -1, ""
	for _, s := range all {
		var lines []int
		found := 0
		for _, passage := range passages {
			at := s.find(passage)
			if at == nil {
				if found > best {
					best, missing = found, passage[0]
				}
				break
			}
			lines, found = append(lines, at...), found+1
		}
		if found == len(passages) {
			if idle = s.idle(t, all, lines); idle == "" {
				return ""
			}
			idle = s.name + ": no test runs " + idle
		}
	}
	if idle != "" {
		return idle
	}
	return "no test file and no example has the passage that begins with " + missing
}

func TestAGoBlockIsOnlyAcceptedAsCodeThatRuns(t *testing.T) {
	t.Parallel()
	all := sources(map[string][]byte{
		"a/a_test.go": []byte("package a\n\nfunc ExampleRun() {\n\tone()\n\n\ttwo() // second\n\tthree()\n\t// Output: 1\n}\n\n" +
			"func Example() {\n\tcompiled()\n}\n\nfunc helper() {\n\thelp()\n\tgate, err := open()\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tdefer gate.Close()\n\tuse(gate)\n}\n\nfunc TestIt(t *testing.T) { helper() }\n\nfunc unused() {\n\tidle()\n}\n"),
		"a/a.go": []byte("package a\n\nfunc TestNot() {\n\tlibrary()\n}\n"),
	})
	for _, row := range []struct{ name, text, complaint string }{
		{"a passage", "one()\ntwo()   // second\n", ""},
		{"passages with lines left out", "one()\n// ...\nthree()\n", ""},
		{"a helper of a test", "help()\n", ""},
		{"without what becomes of an error", "gate, err := open()\nuse(gate)\n", ""},
		{"with it", "gate, err := open()\nif err != nil {\n\treturn\n}\ndefer gate.Close()\n\nuse(gate)\n", ""},
		{"lines that are not next to each other", "one()\nthree()\n", "no test file"},
		{"another comment", "two() // third\n", "no test file"},
		{"an example whose output is not compared", "compiled()\n", "no test runs Example"},
		{"a function that nothing calls", "idle()\n", "no test runs unused"},
		{"code of the library", "library()\n", "no test file"},
		{"nothing", "\n", "is empty"},
	} {
		if got := unfounded(t, all, block{text: row.text}); row.complaint == "" {
			assert.Empty(t, got, row.name)
		} else {
			assert.Contains(t, got, row.complaint, row.name)
		}
	}
}

func TestEveryJSONBlockOfTheGuideIsJSON(t *testing.T) {
	t.Parallel()
	for name, text := range guide(t, repositoryFiles(t)) {
		for _, b := range blocksOf(name, text, "json") {
			assert.True(t, json.Valid([]byte(b.text)), "%s:%d", b.page, b.line)
		}
	}
}

func TestTheVariablesInBlocksOfTheGuideAreRead(t *testing.T) {
	t.Parallel()
	files := repositoryFiles(t)
	code := "" // of the packages that read them
	for name, text := range files {
		if in := path.Dir(name); (in == "." || in == "providers") && path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
			code += string(text)
		}
	}
	for name, text := range guide(t, files) {
		for _, b := range blocksOf(name, text, "sh", "yaml", "ini", "text", "") {
			for _, variable := range regexp.MustCompile(`\bSALLYPORT_[A-Z0-9_]+`).FindAllString(b.text, -1) {
				if !strings.Contains(code, `"`+variable+`"`) {
					assert.Fail(t, "the library reads no "+variable, "%s:%d", b.page, b.line)
				}
			}
		}
	}
}

// TestEveryShellBlockOfTheGuideRuns runs what is of sallyport alone, as it is,
// with a token on standard input; of the rest it checks that the targets and
// packages exist.
func TestEveryShellBlockOfTheGuideRuns(t *testing.T) {
	t.Parallel()
	files := repositoryFiles(t)
	shell := newShell(t)
	targets := makeTargets(t)
	ran := 0
	for name, text := range guide(t, files) {
		for _, b := range blocksOf(name, text, "sh") {
			if shell.knows(b.text) {
				ran++
				code, output := shell.run(t, b.text)
				if strings.Contains(output, "/var/run/secrets/kubernetes.io/") { // it is for a pod, and says so elsewhere
					continue
				}
				assert.Contains(t, []int{0, 1}, code, "%s:%d\n%s", b.page, b.line, output) // accepted or refused, but no wrong use
				continue
			}
			code, output := shell.run(t, "if false; then\n"+b.text+"\nfi")
			assert.Zero(t, code, "%s:%d is no shell script\n%s", b.page, b.line, output)
			for _, found := range regexp.MustCompile(`(?m)^make ([a-z-]+)`).FindAllStringSubmatch(b.text, -1) {
				assert.True(t, targets[found[1]], "%s:%d: no target %s", b.page, b.line, found[1])
			}
			for _, found := range regexp.MustCompile(`go (?:run|test|build|install) (?:-\S+ )*(\./\S+|github\.com/sallyport-go/sallyport/\S+)`).FindAllStringSubmatch(b.text, -1) {
				dir := strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(found[1], "@latest"), "/..."), "github.com/sallyport-go/sallyport/")
				assert.True(t, isPackage(files, dir), "%s:%d: no package %s", b.page, b.line, dir)
			}
		}
	}
	assert.Greater(t, ran, 1)
}

// isPackage reports whether there is Go in a directory, from the root or from examples.
func isPackage(files map[string][]byte, dir string) bool {
	for name := range files {
		if in := path.Dir(name); path.Ext(name) == ".go" && (in == path.Clean(dir) || in == path.Join("examples", dir)) {
			return true
		}
	}
	return false
}

// install is what newShell does instead.
const install = "go install github.com/sallyport-go/sallyport/cmd/sallyport@latest\n"

// shell runs blocks in a directory with a token, where sallyport is a command.
type shell struct{ dir, issuer, token string }

func newShell(t *testing.T) shell {
	t.Helper()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	s := shell{t.TempDir(), iss.Issuer(), iss.Token()}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", s.dir, "./cmd/sallyport")
	build.Dir = root
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "token"), []byte(s.token), 0o600))
	return s
}

// knows reports whether every line of a block is a call of sallyport or sets
// variables for one. It then reaches no network: the token is a stranger's,
// except for the issuer of the examples, which the test has.
func (s shell) knows(text string) bool {
	text = strings.ReplaceAll(strings.ReplaceAll(text, install, ""), "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(regexp.MustCompile(`(^|\s)#.*`).ReplaceAllString(line, ""))
		if line != "" && !regexp.MustCompile(`^(?:export )?(?:[A-Z_]+=(?:'[^']*'|"[^"]*"|\S*)\s*)*(?:sallyport (?:explain|inspect|version)\b.*)?$`).MatchString(line) {
			return false
		}
	}
	return regexp.MustCompile(`\bsallyport |SALLYPORT_`).MatchString(text)
}

// run runs a block, and one that only sets variables together with sallyport.
func (s shell) run(t *testing.T, text string) (code int, output string) {
	t.Helper()
	if s.knows(text) && !strings.Contains(text, "sallyport ") {
		text = "set -a\n" + text + "\nsallyport explain < token\n"
	}
	text = strings.NewReplacer(install, "", "https://issuer.example/", s.issuer).Replace(text)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", text)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + s.dir + string(os.PathListSeparator) + os.Getenv("PATH"), "PROOF=a.b.c"}
	cmd.Stdin = strings.NewReader(s.token)
	out, err := cmd.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended { //nolint:errorlint // Run returns it as it is
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}
