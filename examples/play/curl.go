package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// curl is a curl command: what is shown to the reader is what is sent.
type curl struct {
	url  string
	args []curlArg
}

type curlArg struct{ flag, value string }

// readCurl reads the commands that the authorization server writes: an address,
// and flags with a value each.
func readCurl(line string) (curl, error) {
	words, err := shellWords(line)
	if err != nil {
		return curl{}, err
	}
	rest, ok := strings.CutPrefix(strings.Join(words[:min(4, len(words))], " "), "curl -s -X POST")
	if !ok || rest != "" || len(words)%2 == 0 {
		return curl{}, fmt.Errorf("not such a curl command: %.20q", line)
	}
	c := curl{url: words[4]}
	for i := 5; i < len(words); i += 2 {
		c.args = append(c.args, curlArg{words[i], words[i+1]})
	}
	return c, nil
}

// shellWords splits where a POSIX shell would; only single quotes and \' quote.
func shellWords(line string) ([]string, error) {
	var words []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, " ") {
		var word strings.Builder
		for line != "" && line[0] != ' ' {
			switch {
			case strings.HasPrefix(line, `\'`):
				word.WriteByte('\'')
				line = line[2:]
			case line[0] == '\'':
				text, rest, closed := strings.Cut(line[1:], "'")
				if !closed {
					return nil, errors.New("a quote is not closed")
				}
				word.WriteString(text)
				line = rest
			default:
				word.WriteByte(line[0])
				line = line[1:]
			}
		}
		words = append(words, word.String())
	}
	return words, nil
}

// request is the request that curl would send.
func (c curl) request(ctx context.Context) (*http.Request, error) {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	var data []string
	for _, a := range c.args {
		name, value, _ := strings.Cut(a.value, "=")
		switch a.flag {
		case "-d":
			data = append(data, a.value)
		case "--data-urlencode":
			data = append(data, name+"="+url.QueryEscape(value))
		case "-u":
			header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(a.value)))
		case "-H":
			name, value, _ = strings.Cut(a.value, ": ")
			header.Set(name, value)
		default:
			return nil, fmt.Errorf("curl %s is not known here", a.flag)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(strings.Join(data, "&")))
	if err != nil {
		return nil, err
	}
	r.Header = header
	return r, nil
}

const hidden = "••••••••"

// lines are the command for reading, an argument on each, without the secret.
func (c curl) lines(secret string) []string {
	lines := []string{"curl -s -X POST " + shellQuote(c.url)}
	for _, a := range c.args {
		value := shellQuote(strings.ReplaceAll(a.value, secret, hidden))
		value = strings.ReplaceAll(value, `","`, `",`+"\n       \"") // JSON is long
		lines[len(lines)-1] += ` \`
		lines = append(lines, strings.Split("  "+a.flag+" "+value, "\n")...)
	}
	return lines
}

// shellQuote quotes what a shell would not take as it is.
func shellQuote(word string) string {
	special := strings.ContainsFunc(word, func(r rune) bool {
		return r < 0x80 && !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,", r)
	})
	if !special {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
