// Package run takes the corpus to drivers and counts what they answer otherwise.
package run

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/bench/field/drivers"
)

// Case is what a run reads of a line of the corpus.
type Case struct {
	Name, Group, Token, Keys, Policy, Verdict, Level, Section, URL string
	Request                                                        json.RawMessage
}

// Corpus is the cases without those of DPoP, which none of the libraries checks.
type Corpus struct {
	Version  string
	Cases    []Case
	keys     map[string][]byte
	policies map[string]*drivers.Policy
}

// Read reads the corpus of a directory.
func Read(dir string) (*Corpus, error) {
	c := &Corpus{keys: map[string][]byte{}, policies: map[string]*drivers.Policy{}}
	read := func(name string, to any) error {
		text, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // G304: of the corpus
		if err != nil {
			return err
		}
		if raw, ok := to.(*[]byte); ok {
			*raw = text
			return nil
		}
		return json.Unmarshal(text, to)
	}
	var lines []byte
	if err := errors.Join(read("corpus.json", c), read("cases.jsonl", &lines)); err != nil {
		return nil, err
	}
	for text := range bytes.Lines(lines) {
		var one Case
		if err := json.Unmarshal(text, &one); err != nil {
			return nil, err
		}
		if one.Request != nil {
			continue
		}
		var keys []byte
		policy := new(drivers.Policy)
		if err := errors.Join(read("keys/"+one.Keys, &keys), read("policies/"+one.Policy, policy)); err != nil {
			return nil, err
		}
		c.keys[one.Keys], c.policies[one.Policy] = keys, policy
		c.Cases = append(c.Cases, one)
	}
	return c, nil
}

// Answer is what a library did with a token.
type Answer string

// The answers.
const (
	Accepted Answer = "accepted"
	Refused  Answer = "refused"
	Crashed  Answer = "crashed" // it panicked, or was silent for ten seconds
	Held     Answer = "held"    // it accepted, which is for its maintainers first
)

// patience is how long a library may think about one token.
const patience = 10 * time.Second

// Go asks a Go library about every case.
func Go(c *Corpus, d *drivers.Driver) map[string]Answer {
	answers := map[string]Answer{}
	for i := range c.Cases {
		one := &c.Cases[i]
		answers[one.Name] = ask(func() error {
			check, err := d.New(c.keys[one.Keys], c.policies[one.Policy])
			if err != nil {
				return err
			}
			return check(one.Token)
		})
	}
	return answers
}

func ask(check func() error) Answer {
	done := make(chan Answer, 1)
	go func() {
		defer func() {
			if recover() != nil {
				done <- Crashed
			}
		}()
		if check() != nil {
			done <- Refused
		} else {
			done <- Accepted
		}
	}()
	select {
	case a := <-done:
		return a
	case <-time.After(patience):
		return Crashed
	}
}

// Row is what came of one library.
type Row struct {
	drivers.Library

	Version             string
	Tried, LeftToCaller int
	Accepted            int // good tokens
	Findings            []Finding
}

// Finding is a case that a library answered otherwise.
type Finding struct {
	Case
	Answer Answer
}

// Of returns the findings of a level that are for everybody.
func (r *Row) Of(level string) (out []Finding) {
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Level == level && f.Answer != Crashed && f.Answer != Held {
			out = append(out, *f)
		}
	}
	return out
}

// Compare holds answers against the corpus. A case without an answer is an error: nothing may be left out unseen.
func Compare(c *Corpus, row Row, answers map[string]Answer) (Row, error) {
	for i := range c.Cases {
		one := c.Cases[i]
		answer, ok := answers[one.Name]
		switch {
		case !ok:
			return row, fmt.Errorf("field: %s did not answer the case %q", row.Name, one.Name)
		case one.Verdict == "bad" && row.Caller.Has(one.Group, one.Name):
			row.LeftToCaller++
			continue
		case one.Verdict == "good" && row.Lacks != "" && algorithmOf(one.Token) == row.Lacks:
			continue
		}
		row.Tried++
		wrong := answer == Accepted
		if one.Verdict == "good" {
			wrong = answer == Refused
			if answer == Accepted {
				row.Accepted++
			}
		}
		if wrong || answer == Crashed {
			row.Findings = append(row.Findings, Finding{one, answer})
		}
	}
	return row, nil
}

// CheckSetUp returns an error for a library that accepted nothing: what it refuses then says nothing about it.
func (r *Row) CheckSetUp() error {
	if r.Accepted == 0 {
		return fmt.Errorf("field: %s accepted no good token: it lacks something here, or is set up in the wrong way", r.Name)
	}
	return nil
}

// algorithmOf returns the alg of a good token.
func algorithmOf(token string) string {
	var header struct{ Alg string }
	part, _, _ := strings.Cut(token, ".")
	if text, err := base64.RawURLEncoding.DecodeString(part); err != nil || json.Unmarshal(text, &header) != nil {
		return ""
	}
	return header.Alg
}

// Version returns the version that a go.mod requires of a module.
func Version(mod []byte, module string) string {
	found := regexp.MustCompile(`(?m)^(?:require )?\s*` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(mod)
	if found == nil {
		return ""
	}
	return string(found[1])
}
