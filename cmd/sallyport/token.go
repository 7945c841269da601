package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxInput bounds what is read: far more than any token that a check lets pass.
const maxInput = 1 << 20

// readToken returns the argument, or else standard input, without what is pasted
// around a token. On a terminal it prompts.
func readToken(arg string, in io.Reader, errs io.Writer) (string, error) {
	if arg == "" || arg == "-" {
		if isTerminal(in) {
			fmt.Fprintln(errs, "Paste the token, then press Enter and Ctrl-D.")
		}
		data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
		if err != nil {
			return "", fmt.Errorf("reading the token: %w", err)
		}
		if len(data) > maxInput {
			return "", fmt.Errorf("more than %d bytes on standard input: that is no token", maxInput)
		}
		arg = string(data)
	} else if _, err := os.Stat(arg); err == nil { //nolint:gosec // G703: the argument is the caller's own, and nothing is opened
		return "", fmt.Errorf("%q is a file and no token: give what is in it on standard input, as in < %s", arg, arg)
	}
	token := strings.TrimSpace(arg)
	for _, prefix := range []string{"authorization:", "bearer "} {
		if len(token) >= len(prefix) && strings.EqualFold(token[:len(prefix)], prefix) {
			token = strings.TrimSpace(token[len(prefix):])
		}
	}
	token = strings.Trim(token, `"'`)
	if token == "" {
		return "", errors.New("no token: give it on standard input, or as the last argument")
	}
	return token, nil
}

// isTerminal reports whether stream is a character device: a terminal, but also
// /dev/null.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
