// Command field takes the corpus to the libraries of the field, attacks its servers, and writes docs/field.md: make field.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/sallyport-go/sallyport/bench/field/drivers"
	"github.com/sallyport-go/sallyport/bench/field/run"
)

func main() {
	corpus := flag.String("corpus", "../corpus", "the directory of the corpus")
	dir := flag.String("dir", "field", "the directory of the drivers in other languages")
	out := flag.String("out", "../docs/field.md", "the page that is written")
	flag.Parse()
	log.SetFlags(0)
	if err := field(*corpus, *dir, *out); err != nil {
		log.Fatal(err)
	}
}

func field(corpus, dir, out string) error {
	c, err := run.Read(corpus)
	if err != nil {
		return err
	}
	f := &fieldwork{dir: dir}
	libraries, err := f.libraries(c, corpus)
	if err != nil {
		return err
	}
	servers, err := f.servers()
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, []byte(run.Page(c, libraries, servers, f.missing)), 0o644); err != nil { //nolint:gosec // G306: for everybody to read
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "%d libraries, %d servers, %d cases: %s; not installed: %d\n", len(libraries), len(servers), len(c.Cases), out, len(f.missing))
	return err
}

// fieldwork is one run.
type fieldwork struct {
	dir     string // of the drivers
	missing []string
}

// lacks reports whether err says that something is not installed, and says how to have it.
func (f *fieldwork) lacks(err error, name, install string) bool {
	if !errors.Is(err, run.ErrMissing) {
		return false
	}
	log.Printf("NOT INSTALLED, so not tried: %v; to have it: %s", err, install)
	f.missing = append(f.missing, name)
	return true
}

func (f *fieldwork) libraries(c *run.Corpus, corpus string) (rows []run.Row, err error) {
	mod, err := os.ReadFile(filepath.Join(f.dir, "..", "go.mod"))
	if err != nil {
		return nil, err
	}
	for i := range drivers.All {
		d := &drivers.All[i]
		row, err := run.Compare(c, run.Row{Library: d.Library, Version: run.Version(mod, d.Module)}, run.Go(c, d))
		if err := errors.Join(err, row.CheckSetUp()); err != nil {
			return nil, err
		}
		rows = append(rows, told(&row))
	}
	for i := range run.Processes {
		p := &run.Processes[i]
		version, answers, err := p.Run(context.Background(), f.dir, corpus)
		if f.lacks(err, p.Name, p.Install) {
			continue
		}
		row := run.Row{Library: p.Library, Version: version}
		if err == nil {
			row, err = run.Compare(c, row, answers)
		}
		if err == nil {
			err = row.CheckSetUp()
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, told(&row))
	}
	return rows, nil
}

func (f *fieldwork) servers() (rows []run.Row, err error) {
	home, err := os.MkdirTemp("", "field")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home) //nolint:errcheck // of the system's temporary ones
	sallyport := filepath.Join(home, "sallyport")
	build := exec.Command("go", "build", "-o", sallyport, "./cmd/sallyport") //nolint:gosec,noctx // of this repository
	build.Dir, build.Stderr = filepath.Join(f.dir, "..", ".."), os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	for i := range run.Targets {
		t := &run.Targets[i]
		row, err := t.Run(context.Background(), sallyport, f.dir)
		if f.lacks(err, t.Name, t.Install) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, told(&row))
	}
	return rows, nil
}

// told says what is for the maintainers of a library before it is for everybody.
func told(row *run.Row) run.Row {
	for i := range row.Findings {
		switch f := &row.Findings[i]; f.Answer {
		case run.Crashed:
			log.Printf("%s crashed at %q: report it to its maintainers, it is not on the page", row.Name, f.Name)
		case run.Held:
			log.Printf("%s accepted %q: reproduce it by hand and look whether it is known; it is not on the page", row.Name, f.Name)
		}
	}
	return *row
}
