package arrows_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// source is one Go file and what it imports. Files are parsed, not built: build tags hide nothing.
type source struct {
	path    string // from the repository's root, with slashes
	module  string // directory of the go.mod that it belongs to
	imports []string
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// readSources parses every Go file of the tree and gives the root module's path with them.
func readSources(tree fs.FS) (module string, files []source, err error) {
	module, err = modulePath(tree)
	if err != nil {
		return "", nil, err
	}
	err = walk(tree, func(name string) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		file := source{path: name, module: moduleDir(tree, path.Dir(name))}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			file.imports = append(file.imports, imported)
		}
		files = append(files, file)
		return nil
	})
	return module, files, err
}

// violations judges every import against the house and says in words what is wrong.
func violations(module string, files []source) []string {
	var found []string
	for _, file := range files {
		judge := importsOfRoom
		if file.module != "." {
			judge = importsOfNestedModule
		}
		found = append(found, judge(module, file)...)
	}
	return found
}

func importsOfRoom(module string, file source) (found []string) {
	at := slices.IndexFunc(house, func(r room) bool { return r.dir == path.Dir(file.path) })
	if at < 0 {
		return []string{file.path + ": its package has no row in the house: add one that says what it may import"}
	}
	for _, imported := range file.imports {
		if !house[at].admits(module, imported, file.isTest()) {
			found = append(found, fmt.Sprintf("%s: must not import %s", file.path, imported))
		}
	}
	return found
}

// importsOfNestedModule keeps internal packages internal. Go itself would let a nested module in, because its path
// begins like ours.
func importsOfNestedModule(module string, file source) (found []string) {
	for _, imported := range file.imports {
		if within(imported, module+"/internal") {
			found = append(found, fmt.Sprintf("%s: a nested module must not import %s", file.path, imported))
		}
	}
	return found
}

func (r room) admits(module, imported string, test bool) bool {
	switch {
	case within(imported, module):
		ours := path.Join(".", strings.TrimPrefix(strings.TrimPrefix(imported, module), "/"))
		return test || slices.Contains(r.ours, ours)
	case imported == "unsafe":
		return r.unsafe
	case !strings.Contains(strings.SplitN(imported, "/", 2)[0], "."): // the standard library has no dot up front
		return test || !withinAny(imported, r.never)
	default:
		return withinAny(imported, r.foreign) || test && withinAny(imported, onlyInTests)
	}
}

func within(imported, root string) bool {
	return imported == root || strings.HasPrefix(imported, root+"/")
}

func withinAny(imported string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return within(imported, root) })
}
