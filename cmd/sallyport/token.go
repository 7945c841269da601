package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxInput bounds what is read: far more than any token that a check lets pass.
const maxInput = 1 << 20

// readToken takes the argument, or else standard input, and what people paste
// around a token off it.
func readToken(arg string, in io.Reader) (string, error) {
	if arg == "" || arg == "-" {
		data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
		if err != nil {
			return "", fmt.Errorf("reading the token: %w", err)
		}
		if len(data) > maxInput {
			return "", fmt.Errorf("more than %d bytes on standard input: that is no token", maxInput)
		}
		arg = string(data)
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
