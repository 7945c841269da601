// Command field takes the corpus to the libraries of the field, and writes docs/field.md: make field.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
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
	mod, err := os.ReadFile(filepath.Join(dir, "..", "go.mod")) //nolint:gosec // G304: of this module
	if err != nil {
		return err
	}
	var rows []run.Row
	var missing []string
	add := func(row run.Row, answers map[string]run.Answer) error {
		row, err := run.Compare(c, row, answers)
		rows = append(rows, row)
		for i := range row.Findings {
			if f := &row.Findings[i]; f.Answer == run.Crashed {
				log.Printf("%s crashed at %q: report it to its maintainers, it is not on the page", row.Name, f.Name)
			}
		}
		return err
	}
	for i := range drivers.All {
		d := &drivers.All[i]
		if err := add(run.Row{Library: d.Library, Version: run.Version(mod, d.Module)}, run.Go(c, d)); err != nil {
			return err
		}
	}
	for i := range run.Processes {
		p := &run.Processes[i]
		version, answers, err := p.Run(context.Background(), dir, corpus)
		if errors.Is(err, run.ErrMissing) {
			log.Printf("%v; to have it: %s", err, p.Install)
			missing = append(missing, p.Name)
			continue
		}
		if err == nil {
			err = add(run.Row{Library: p.Library, Version: version}, answers)
		}
		if err != nil {
			return err
		}
	}
	if err := os.WriteFile(out, []byte(run.Page(c, rows, missing)), 0o644); err != nil { //nolint:gosec // G306: for everybody to read
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "%d libraries, %d cases: %s\n", len(rows), len(c.Cases), out)
	return err
}
