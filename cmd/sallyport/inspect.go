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

	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/strictjson"
)

const unverified = "NOT VERIFIED: anybody can write such a token. Use `sallyport explain` to check it.\n"

// The limits of the library, by default: a token beyond them is refused.
const (
	maxTokenBytes = 8 << 10
	maxDepth      = 64
)

// inspect decodes a token without looking at its signature.
func inspect(args []string, in io.Reader, out, errs io.Writer) (int, error) {
	fs := flag.NewFlagSet("inspect", flag.ContinueOnError)
	most := maxTokenBytes
	fs.Func("max-token-bytes", sizeHelp, sizeInto(&most))
	arg, err := parseFlags(fs, args, out)
	if err != nil {
		return wrongUse, err
	}
	token, err := readToken(arg, in, errs)
	if err != nil {
		return wrongUse, err
	}
	text, err := decoded(token, most)
	if err != nil {
		return refused, err
	}
	if _, err := fmt.Fprint(out, unverified, "\n", text, "\n", unverified); err != nil {
		return wrongUse, err
	}
	return accepted, nil
}

// decoded returns the header and the payload, and the dates for people to read.
func decoded(token string, most int) (string, error) {
	if len(token) > most {
		return "", fmt.Errorf("%d bytes are more than %d: an API refuses such a token unless it raises MaxTokenBytes; -max-token-bytes shows it all the same", len(token), most)
	}
	parts := strings.SplitN(token, ".", 7)
	if len(parts) != 3 {
		return "", fmt.Errorf("a signed token has 3 parts with 2 dots between them (an encrypted one 5, an opaque one 1), and this has %s: was it cut when it was copied?", counted(len(parts)))
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

func counted(parts int) string {
	if parts > 6 {
		return "more than 6"
	}
	return fmt.Sprint(parts)
}

// indented returns the JSON of a part for people to read. What the library would
// refuse about it is said behind.
func indented(part string) (string, error) {
	data, err := base64.RawURLEncoding.DecodeString(part)
	switch {
	case err != nil && strings.HasSuffix(part, "="):
		return "", errors.New("padded with =, which RFC 7515 forbids (AWS load balancers do that): the issuer must leave it out")
	case err != nil:
		return "", errors.New("not base64url without padding: was it changed when it was copied?")
	case tooDeep(data):
		return "", fmt.Errorf("nested more than %d levels deep", maxDepth)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return "", errors.New("not JSON")
	}
	text := quote.Lines(b.String())
	if _, err := strictjson.Parse(data); err != nil {
		text += "\n(refused by the library: " + strings.TrimPrefix(err.Error(), "strictjson: ") + ")"
	}
	return text, nil
}

// tooDeep reports whether JSON is nested beyond what the library reads, however
// malformed it is.
func tooDeep(data []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[', c == '{':
			if depth++; depth > maxDepth {
				return true
			}
		case c == ']', c == '}':
			depth--
		}
	}
	return false
}

func dates(part string) string {
	data, _ := base64.RawURLEncoding.DecodeString(part) // it decoded before
	var claims map[string]any
	if json.Unmarshal(data, &claims) != nil {
		return ""
	}
	const endOfDates = 253402300800 // the first second of the year 10000
	var b strings.Builder
	for _, name := range []string{"iat", "nbf", "exp"} {
		seconds, ok := claims[name].(float64)
		switch {
		case ok && 0 <= seconds && seconds < endOfDates:
			fmt.Fprintf(&b, "%s %s\n", name, time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339))
		case ok:
			fmt.Fprintf(&b, "%s is no date in seconds\n", name)
		}
	}
	return b.String()
}
