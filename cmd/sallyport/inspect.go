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
	"unicode"
	"unicode/utf16"
)

const unverified = "NOT VERIFIED: anybody can write such a token. Use `sallyport explain` to check it.\n"

// inspect decodes a token without looking at its signature.
func inspect(args []string, in io.Reader, out, errs io.Writer) (int, error) {
	arg, err := parseFlags(flag.NewFlagSet("inspect", flag.ContinueOnError), args, out)
	if err != nil {
		return wrongUse, err
	}
	token, err := readToken(arg, in, errs)
	if err != nil {
		return wrongUse, err
	}
	text, err := decoded(token)
	if err != nil {
		return refused, err
	}
	fmt.Fprint(out, unverified, "\n", text, "\n", unverified)
	return accepted, nil
}

// decoded returns the header and the payload, and the dates for people to read.
func decoded(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", fmt.Errorf("a signed token has 3 parts with 2 dots between them (an encrypted one 5, an opaque one 1), and this has %d: was it cut when it was copied?", len(parts))
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
		return "", errors.New("not base64url without padding: was it changed when it was copied?")
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return "", errors.New("not JSON")
	}
	return printable(b.String()), nil
}

// printable escapes, as JSON does, what is not a visible character: a terminal
// would obey the control sequences of a token.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
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
