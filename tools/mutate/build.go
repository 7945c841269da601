package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// awakener is the package that the changed sources call. It is laid over the module and never lies in it.
//
//go:embed runtime.txt
var awakener []byte

// alias is what the changed sources call it by.
const alias = "mutant__"

// binary is a test binary with all mutants of a package in it.
type binary struct {
	*source
	path, hits string
	mutants    []*mutant
	dropped    int         // mutants that would not compile
	rehearsed  []rehearsed // quickest first
}

// build compiles the package with its tests. Where a change does not compile, the mutants of that line are dropped.
func build(ctx context.Context, s *source, work string) (*binary, error) {
	b := &binary{source: s, path: filepath.Join(work, "tests"), hits: filepath.Join(work, "hits"), mutants: s.find()}
	all := len(b.mutants)
	for range 40 {
		if err := b.lay(work); err != nil {
			return nil, err
		}
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-gcflags=-e", "-overlay="+filepath.Join(work, "overlay.json"), "-o", b.path, b.source.path) //nolint:gosec // G204: the go command, with names of our own
		cmd.Dir = s.root
		out, err := cmd.CombinedOutput()
		if err == nil {
			b.dropped = all - len(b.mutants)
			return b, nil
		}
		if !b.drop(out) {
			return nil, fmt.Errorf("go test -c: %w\n%s", err, out)
		}
	}
	return nil, errors.New("too many changes that do not compile")
}

// lay writes the changed sources and the overlay that puts them in place.
func (b *binary) lay(work string) error {
	replace := map[string]string{filepath.Join(b.root, "internal", alias, "mutant.go"): filepath.Join(work, "mutant.go")}
	if err := os.WriteFile(filepath.Join(work, "mutant.go"), awakener, 0o600); err != nil {
		return err
	}
	for _, file := range b.files {
		name := b.set.Position(file.Package).Filename
		laid := filepath.Join(work, filepath.Base(name))
		if err := os.WriteFile(laid, b.changed(file, name), 0o600); err != nil {
			return err
		}
		replace[name] = laid
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(work, "overlay.json"), text, 0o600)
}

// insertion is text that goes into a source. Lines stay where they are.
type insertion struct {
	at, rank int
	text     string
}

// changed is one file with its mutants built in.
func (b *binary) changed(file *ast.File, name string) []byte {
	var all []insertion
	for i := range b.mutants {
		m := b.mutants[i]
		if m.absolute != name {
			continue
		}
		before := alias + "." + fmt.Sprintf(m.before, m.id)
		if strings.HasPrefix(m.before, "if ") {
			before = fmt.Sprintf(m.before, alias+".", m.id)
		}
		// What ends at an offset goes before what begins there; of two that begin together the outer one, found first,
		// goes first, and ends last.
		all = append(all, insertion{m.start, m.id, before}, insertion{m.end, -m.id, m.after})
	}
	if len(all) > 0 {
		all = append(all, insertion{b.set.Position(file.Name.End()).Offset, 0, "; import " + alias + " " + strconv.Quote(b.module+"/internal/"+alias)})
	}
	slices.SortStableFunc(all, func(x, y insertion) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.rank, y.rank))
	})
	var out bytes.Buffer
	text, from := b.text[name], 0
	for _, i := range all {
		out.Write(text[from:i.at])
		out.WriteString(i.text)
		from = i.at
	}
	out.Write(text[from:])
	return out.Bytes()
}

var complaint = regexp.MustCompile(`(?m)^(\S+\.go):(\d+):\d+: `)

// drop takes the mutants out of the lines that the compiler complains about.
func (b *binary) drop(complaints []byte) bool {
	before := len(b.mutants)
	for _, at := range complaint.FindAllSubmatch(complaints, -1) {
		base := filepath.Base(string(at[1]))
		line, err := strconv.Atoi(string(at[2]))
		if err != nil {
			continue
		}
		b.mutants = slices.DeleteFunc(b.mutants, func(m *mutant) bool {
			return m.file == base && m.line <= line && line <= b.lastLine(m)
		})
	}
	return len(b.mutants) < before
}

func (b *binary) lastLine(m *mutant) int {
	return m.line + bytes.Count(b.text[m.absolute][m.start:m.end], []byte("\n"))
}

// code is the text of a node on one line, cut short.
func (s *source) code(node ast.Node) string {
	at, end := s.set.Position(node.Pos()), s.set.Position(node.End())
	return string(s.text[at.Filename][at.Offset:end.Offset])
}

func (s *source) lineOf(at token.Position) string {
	lines := bytes.Split(s.text[at.Filename], []byte("\n"))
	return string(bytes.TrimSpace(lines[at.Line-1]))
}
