package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// proxy is a directory that the go command takes modules from, and no other place.
type proxy struct{ dir string }

func newProxy(t *testing.T) proxy {
	t.Helper()
	p := proxy{t.TempDir()}
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(p.dir))
	t.Setenv("GOSUMDB", "off")
	t.Setenv("GONOPROXY", "none")
	t.Setenv("GOTOOLCHAIN", "local")
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "-modcacherw") // so that the directory can be removed
	t.Setenv("GOMODCACHE", t.TempDir())
	return p
}

// publish adds a version of a module whose package says which one it is.
func (p proxy) publish(t *testing.T, path, version, gomod string) {
	t.Helper()
	base := filepath.Join(p.dir, filepath.FromSlash(path), "@v")
	write(t, filepath.Join(base, version+".info"), `{"Version":"`+version+`"}`)
	write(t, filepath.Join(base, version+".mod"), gomod)
	list, _ := os.ReadFile(filepath.Join(base, "list")) // none yet
	write(t, filepath.Join(base, "list"), string(list)+version+"\n")
	file, err := os.Create(filepath.Join(base, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(file)
	for name, text := range map[string]string{"go.mod": gomod, "m.go": "package " + filepath.Base(path) + "\n\nconst Version = \"" + version + "\"\n"} {
		w, err := archive.Create(path + "@" + version + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// user is a module that imports these packages, at v1.0.0 each.
func user(t *testing.T, paths ...string) string {
	t.Helper()
	dir := t.TempDir()
	gomod, source := "module example.org/user\n\ngo 1.26\n", "package user\n"
	for _, path := range paths {
		gomod += "\nrequire " + path + " v1.0.0\n"
		source += "\nimport _ \"" + path + "\"\n"
	}
	write(t, filepath.Join(dir, "go.mod"), gomod)
	write(t, filepath.Join(dir, "latest.mod"), gomod)
	write(t, filepath.Join(dir, "user.go"), source)
	return dir
}

func updateIn(t *testing.T, dir string) (said, modfile string, err error) {
	t.Helper()
	var out strings.Builder
	err = run(t.Context(), []string{"-module", dir, "-modfile", "latest.mod"}, &out)
	text, readErr := os.ReadFile(filepath.Join(dir, "latest.mod"))
	if readErr != nil {
		t.Fatal(readErr)
	}
	return out.String(), string(text), err
}

// Not parallel, as all tests here: the environment is the process's.
func TestWhatThisGoCannotBuildIsHeldBackAndSaid(t *testing.T) {
	p := newProxy(t)
	const far = "example.org/far"
	for version, needs := range map[string]string{"v1.0.0": "1.25", "v1.1.0": "1.26", "v1.2.0": "1.999", "v1.3.0": "1.999.3"} {
		p.publish(t, far, version, "module "+far+"\n\ngo "+needs+"\n")
	}
	p.publish(t, "example.org/near", "v1.0.0", "module example.org/near\n\ngo 1.26\n")
	p.publish(t, "example.org/near", "v1.4.0", "module example.org/near\n\ngo 1.26\n")

	dir := user(t, far, "example.org/near")
	said, modfile, err := updateIn(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"HELD BACK: " + far + " v1.3.0 needs Go 1.999.3, this is go1.", "HELD BACK: " + far + " v1.2.0 needs Go 1.999, this is go1.",
		"; tested with v1.1.0\n", "upgraded example.org/near v1.0.0 => v1.4.0",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	for _, want := range []string{far + " v1.1.0", "example.org/near v1.4.0"} {
		if !strings.Contains(modfile, want) {
			t.Errorf("no %q in\n%s", want, modfile)
		}
	}
	if gomod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || !strings.Contains(string(gomod), far+" v1.0.0") {
		t.Errorf("go.mod was changed: %v\n%s", err, gomod)
	}
}

func TestWhatNeedsAVersionThatIsHeldBackIsHeldBackToo(t *testing.T) {
	p := newProxy(t)
	p.publish(t, "example.org/below", "v1.0.0", "module example.org/below\n\ngo 1.26\n")
	p.publish(t, "example.org/below", "v1.1.0", "module example.org/below\n\ngo 1.999\n")
	p.publish(t, "example.org/above", "v1.0.0", "module example.org/above\n\ngo 1.26\n")
	p.publish(t, "example.org/above", "v1.1.0", "module example.org/above\n\ngo 1.999\n\nrequire example.org/below v1.1.0\n")
	said, modfile, err := updateIn(t, user(t, "example.org/above", "example.org/below"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"example.org/above", "example.org/below"} {
		if !strings.Contains(said, "HELD BACK: "+name+" v1.1.0 needs Go 1.999") || !strings.Contains(modfile, name+" v1.0.0") {
			t.Errorf("%s is not held back:\n%s%s", name, said, modfile)
		}
	}
}

func TestNothingIsHeldBackWithoutNeed(t *testing.T) {
	p := newProxy(t)
	p.publish(t, "example.org/near", "v1.0.0", "module example.org/near\n\ngo 1.26\n")
	said, _, err := updateIn(t, user(t, "example.org/near"))
	if err != nil || strings.Contains(said, "HELD BACK") {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestOtherTroubleFails(t *testing.T) {
	p := newProxy(t)
	p.publish(t, "example.org/near", "v1.0.0", "module example.org/near\n\ngo 1.26\n")
	if _, _, err := updateIn(t, user(t, "example.org/near", "example.org/missing")); err == nil || !strings.Contains(err.Error(), "example.org/missing") {
		t.Errorf("a module that is nowhere: %v", err)
	}
	if err := run(t.Context(), []string{"-module", t.TempDir()}, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "-modfile") {
		t.Errorf("no modfile: %v", err)
	}
}
