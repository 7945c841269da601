package arrows_test

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// walk visits the files that belong to the repository: not what git ignores, nor an editor's or git's own directories.
func walk(tree fs.FS, visit func(name string) error) error {
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && foreignDir(name):
			return fs.SkipDir
		case entry.IsDir() || !entry.Type().IsRegular() || ignored(path.Base(name)):
			return nil
		}
		return visit(name)
	})
}

func foreignDir(name string) bool {
	switch base := path.Base(name); base {
	case ".", ".ci", ".github":
		return false
	case "node_modules":
		return true
	default:
		return name == "bin" || strings.HasPrefix(base, ".")
	}
}

// ignored follows .gitignore; .git itself is a file in a linked work tree.
func ignored(base string) bool {
	switch path.Ext(base) {
	case ".test", ".out", ".prof":
		return true
	}
	return base == ".env" || base == ".git" || strings.HasPrefix(base, "coverage.")
}

func modulePath(tree fs.FS) (string, error) {
	text, err := fs.ReadFile(tree, "go.mod")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return name, nil
		}
	}
	return "", errors.New("go.mod names no module")
}

// moduleDir finds the nearest go.mod at or above dir.
func moduleDir(tree fs.FS, dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, err := fs.Stat(tree, path.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	return dir
}
