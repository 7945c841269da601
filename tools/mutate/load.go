package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// source is a package, parsed and type-checked without its tests.
type source struct {
	module, dir, path string // directory and path of the module are absolute and as go.mod has it
	root              string
	set               *token.FileSet
	files             []*ast.File
	text              map[string][]byte // by absolute name
	info              *types.Info
	digest, tests     string // of the sources, and of the tests beside them
}

// listed is what go list tells of a package.
type listed struct {
	Dir, ImportPath, Export   string
	GoFiles                   []string
	TestGoFiles, XTestGoFiles []string
	Module                    struct{ Path, Dir string }
	DepOnly                   bool
}

func load(ctx context.Context, module, name string) (*source, error) {
	packages, err := list(ctx, module, name)
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	var self *listed
	for i := range packages {
		exports[packages[i].ImportPath] = packages[i].Export
		if !packages[i].DepOnly {
			self = &packages[i]
		}
	}
	if self == nil {
		return nil, errors.New("no such package")
	}
	s := &source{module: self.Module.Path, root: self.Module.Dir, dir: self.Dir, path: self.ImportPath, set: token.NewFileSet(), text: map[string][]byte{}}
	if err := s.parse(self.GoFiles); err != nil {
		return nil, err
	}
	s.digest = s.digestOf(self.GoFiles)
	s.tests = s.digestOf(slices.Concat(self.TestGoFiles, self.XTestGoFiles))
	if err := s.check(exports); err != nil {
		return nil, err
	}
	return s, nil
}

func list(ctx context.Context, module, name string) ([]listed, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-export", "-json", name) //nolint:gosec // G204: the package that the user names
	cmd.Dir = module
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, failure.Bytes())
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

func (s *source) parse(names []string) error {
	for _, base := range names {
		name := filepath.Join(s.dir, base)
		text, err := os.ReadFile(name) //nolint:gosec // G304: a source of the package that the user names
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(s.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		s.text[name] = text
		s.files = append(s.files, file)
	}
	return nil
}

func (s *source) check(exports map[string]string) error {
	s.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: importer.ForCompiler(s.set, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data for %s", path)
		}
		return os.Open(exports[path])
	})}
	_, err := config.Check(s.path, s.set, s.files, s.info)
	return err
}

// digestOf names the content of files of the package, in order. What cannot be read is as if it were empty: the
// compiler will say so.
func (s *source) digestOf(names []string) string {
	sum := sha256.New()
	for _, base := range names {
		text, _ := os.ReadFile(filepath.Join(s.dir, base)) //nolint:gosec // G304: a source of the package that the user names
		fmt.Fprintf(sum, "%s %d\n", base, len(text))
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
