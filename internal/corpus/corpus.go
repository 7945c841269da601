// Package corpus makes the files of the directory corpus: what a verifier of access tokens must refuse and must accept,
// as known answers for libraries in any language.
//
// It makes the same bytes each time: keys, salts and nonces follow from a seed, ECDSA signs as RFC 6979 says, and no
// clock is read.
package corpus

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/reason"
)

// Version is the version of the corpus. The first number rises when a member changes its meaning, the second when cases
// are added or their answers corrected.
const Version = "1.0"

// The verdicts.
const (
	Good = "good"
	Bad  = "bad"
)

// Case is one line of the corpus.
type Case struct {
	Name    string          `json:"name"`
	Group   string          `json:"group"`
	Token   string          `json:"token"`
	Keys    string          `json:"keys"`
	Policy  string          `json:"policy"`
	Verdict string          `json:"verdict"`
	Reason  reason.Code     `json:"reason"`
	Level   forgeries.Level `json:"level"`
	Section string          `json:"section"`
	URL     string          `json:"url"`
	Why     string          `json:"why"`
	Variant string          `json:"variant,omitempty"`
	Request *Request        `json:"request,omitempty"`
}

// Request is the call that a token of a [Case] comes with, where it comes with a proof (RFC 9449).
type Request struct {
	Method string   `json:"method"`
	URL    string   `json:"url"`
	Proofs []string `json:"proofs"` // the lines of the header DPoP
}

// Policy is a file of the directory policies: what the API expects.
type Policy struct {
	Note       string   `json:"note"`
	Issuer     string   `json:"issuer"`
	Audience   string   `json:"audience"`
	Algorithms []string `json:"algorithms"`
	Types      []string `json:"types"`  // "" is a header without typ
	Leeway     int      `json:"leeway"` // seconds
	Now        int64    `json:"now"`    // NumericDate
	DPoP       *DPoP    `json:"dpop,omitempty"`
}

// DPoP is what a [Policy] says of proofs.
type DPoP struct {
	Algorithms []string `json:"algorithms"`
	Window     int      `json:"window"` // seconds that the iat of a proof may lie from now, either way
}

// Files returns the files of the corpus by their names, with slashes.
func Files() (map[string][]byte, error) {
	b := &builder{files: map[string][]byte{}, main: newMaker("issuer").withEveryKey()}
	b.policies()
	b.forgedTokens()
	b.types()
	b.goodTokens()
	b.sets()
	b.proofs()
	b.manifest()
	return b.files, errors.Join(b.errs...)
}

// Write writes files into a directory, and removes key sets and policies that are no longer among them.
func Write(dir string, files map[string][]byte) error {
	for _, sub := range []string{"keys", "policies"} {
		if err := os.RemoveAll(filepath.Join(dir, sub)); err != nil {
			return err
		}
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // G301: it is for everybody to read
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // G306: the same
			return err
		}
	}
	return nil
}

// builder collects the files.
type builder struct {
	main  *maker // the issuer of most tokens
	files map[string][]byte
	cases []Case
	errs  []error
}

func (b *builder) fail(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("corpus: "+format, args...))
}

// add adds cases. What a case says of its standard must be complete.
func (b *builder) add(cases ...Case) {
	for i := range cases {
		c := &cases[i]
		c.URL = forgeries.URL(c.Section)
		switch {
		case c.URL == "":
			b.fail("%s: section %q has no address", c.Name, c.Section)
		case !utf8.ValidString(c.Token):
			b.fail("%s: the token is no text", c.Name)
		}
		b.cases = append(b.cases, *c)
	}
}

// file adds a file of JSON.
func (b *builder) file(name string, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		b.fail("%s: %w", name, err)
	}
	b.files[name] = append(text, '\n')
}

// manifest adds the lines, in an order that does not hang on how they are made, and what there is.
func (b *builder) manifest() {
	slices.SortFunc(b.cases, func(x, y Case) int { return cmp.Or(cmp.Compare(x.Group, y.Group), cmp.Compare(x.Name, y.Name)) })
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	counts := map[string]int{"lines": len(b.cases)}
	names := map[string]bool{}
	for i := range b.cases {
		c := &b.cases[i]
		if names[c.Name] {
			b.fail("two cases are called %q", c.Name)
		}
		names[c.Name] = true
		if err := encoder.Encode(c); err != nil {
			b.fail("%s: %w", c.Name, err)
		}
		counts[c.Verdict]++
		if c.Variant == "" {
			counts["own"]++
		}
	}
	b.files["cases.jsonl"] = lines.Bytes()
	b.file("corpus.json", struct {
		Note    string         `json:"note"`
		Version string         `json:"version"`
		License string         `json:"license"`
		Counts  map[string]int `json:"counts"` // own: cases that are no variant of another by algorithm
	}{testKeys, Version, "Apache-2.0", counts})
}
