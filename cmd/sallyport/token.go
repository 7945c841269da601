package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/sallyport-go/sallyport/internal/quote"
)

// maxInput bounds what is read: far more than any token that a check lets pass.
const maxInput = 1 << 20

// readToken returns the token in the argument, or else in standard input. On a
// terminal it prompts.
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
	return tokenIn(arg)
}

// tokenIn returns the token in a text that a person pasted: alone, wrapped over
// lines, with the header's name and scheme in front, or in a token response.
func tokenIn(text string) (string, error) {
	text = strings.Trim(strings.TrimSpace(text), "\ufeff")
	if strings.HasPrefix(text, "{") {
		return tokenOfResponse(text)
	}
	text = strings.Trim(text, quotationMarks)
	for _, prefix := range []string{"authorization:", "bearer ", "dpop "} {
		if len(text) >= len(prefix) && strings.EqualFold(strings.Join(strings.Fields(text[:len(prefix)]), " "), strings.TrimSpace(prefix)) {
			text = strings.TrimSpace(text[len(prefix):])
		}
	}
	text = strings.Trim(text, quotationMarks)
	whole := 0
	lines := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '\\' })
	for _, line := range lines {
		if strings.Count(line, ".") == 2 {
			whole++
		}
	}
	switch {
	case len(lines) == 0:
		return "", errors.New("no token: give it on standard input, or as the last argument")
	case whole > 1:
		return "", fmt.Errorf("one token at a time: there are %d", whole)
	}
	return strings.Join(lines, ""), nil
}

const quotationMarks = "\"'`" + ",; \t\r\n"

// tokenOfResponse returns the access token of a token response.
//
// RFC 6749 section 5.1: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
func tokenOfResponse(text string) (string, error) {
	var response struct {
		AccessToken string `json:"access_token"`
		IDToken     string `json:"id_token"`
		Error       string `json:"error"`
	}
	err := json.Unmarshal([]byte(text), &response)
	switch {
	case err != nil:
		return "", errors.New("what begins with { is no token, and no token response in JSON either: was it cut when it was copied?")
	case response.AccessToken != "":
		return tokenIn(response.AccessToken)
	case response.Error != "":
		return "", fmt.Errorf("the token response is an error, %s: it holds no token", quote.Text(response.Error))
	case response.IDToken != "":
		return "", errors.New("the token response has an id_token and no access_token: an API wants the access token")
	}
	return "", errors.New("the JSON has no access_token: give the token alone, or the whole token response")
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
