// Command write writes the files of the directory that its argument names: make corpus.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/sallyport-go/sallyport/internal/corpus"
)

func main() { os.Exit(run(os.Args[1:], corpus.Files, os.Stdout, os.Stderr)) }

// run writes the files that are made, and returns the exit status.
func run(args []string, made func() (map[string][]byte, error), stdout, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: write DIR")
		return 2
	}
	dir := args[0]
	err := os.MkdirAll(dir, 0o755) //nolint:gosec // G301: it is for everybody to read
	if err == nil {
		var files map[string][]byte
		if files, err = made(); err == nil {
			err = corpus.Write(dir, files)
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	fmt.Fprintf(stdout, "corpus %s is in %s; git diff says what changed\n", corpus.Version, dir)
	return 0
}
