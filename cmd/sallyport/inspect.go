package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

const unverified = "NOT VERIFIED: anybody can write such a token. Use `sallyport explain` to check it.\n"

// inspect decodes a token without looking at its signature.
func inspect(args []string, in io.Reader, out, errs io.Writer) int {
	fs := flag.NewFlagSet("sallyport inspect", flag.ContinueOnError)
	fs.SetOutput(errs)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return accepted
		}
		return wrongUse
	}
	if fs.NArg() > 1 {
		fmt.Fprintln(errs, "sallyport inspect: one token at a time")
		return wrongUse
	}
	token, err := readToken(fs.Arg(0), in)
	if err != nil {
		fmt.Fprintf(errs, "sallyport inspect: %v\n", err)
		return wrongUse
	}
	text, err := decoded(token)
	if err != nil {
		fmt.Fprintf(errs, "sallyport inspect: %v\n", err)
		return refused
	}
	fmt.Fprint(out, unverified, "\n", text, "\n", unverified)
	return accepted
}

// decoded is the header and the payload, and the dates for people to read.
func decoded(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", fmt.Errorf("%d parts: a signed token has 3 (an encrypted one 5, an opaque one 1)", len(parts))
	}
	header, err := indented(parts[0])
	if err != nil {
		return "", fmt.Errorf("header: %w", err)
	}
	payload, err := indented(parts[1])
	if err != nil {
		return "", fmt.Errorf("payload: %w", err)
	}
	return "header " + header + "\npayload " + payload + "\n" + dates(parts[1]), nil
}

func indented(part string) (string, error) {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return "", errors.New("not base64url without padding")
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return "", errors.New("not JSON")
	}
	return b.String(), nil
}

func dates(part string) string {
	data, _ := base64.RawURLEncoding.DecodeString(part) // it decoded before
	var claims map[string]any
	if json.Unmarshal(data, &claims) != nil {
		return ""
	}
	var b strings.Builder
	for _, name := range []string{"iat", "nbf", "exp"} {
		if seconds, ok := claims[name].(float64); ok {
			fmt.Fprintf(&b, "%s %s\n", name, time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339))
		}
	}
	return b.String()
}
