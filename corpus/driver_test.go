package corpus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/verifier"
)

// verify is the library under test: it returns an error for a token that it refuses.
func verify(token string, keys []byte, p policy) error {
	set, err := jwks.ParseStatic(keys)
	if err != nil {
		return err
	}
	v, err := verifier.New(verifier.Config{
		Issuers: []verifier.Issuer{{Name: p.Issuer, Audiences: []string{p.Audience}, Keys: set, Algorithms: p.Algorithms, Types: p.Types}},
		Leeway:  time.Duration(p.Leeway) * time.Second, Now: func() time.Time { return time.Unix(p.Now, 0) }, CacheBytes: -1,
	})
	if err != nil {
		return err
	}
	_, err = v.Verify(context.Background(), token)
	return err
}

type line struct {
	Name, Token, Keys, Policy, Verdict, Level, URL string
	Request                                        *struct{}
}

type policy struct {
	Issuer, Audience  string
	Algorithms, Types []string
	Leeway            int
	Now               int64
}

// drive returns how many answers are wrong, by level.
func drive(verify func(token string, keys []byte, p policy) error) map[string]int {
	cases, _ := os.ReadFile("cases.jsonl")
	wrong := map[string]int{}
	for text := range bytes.Lines(cases) {
		var c line
		_ = json.Unmarshal(text, &c)
		if c.Request != nil {
			continue // a proof of DPoP, for libraries that check those
		}
		var p policy
		keys, _ := os.ReadFile("keys/" + c.Keys)
		expected, _ := os.ReadFile("policies/" + c.Policy)
		_ = json.Unmarshal(expected, &p)
		if err := verify(c.Token, keys, p); (err == nil) != (c.Verdict == "good") {
			fmt.Println(c.Level, c.Name, c.URL)
			wrong[c.Level]++
		}
	}
	return wrong
}

func Example_driver() {
	fmt.Println("wrong:", drive(verify))
	// Output: wrong: map[]
}

// TestTheDriverFindsWhatIsWrong drives two libraries that check nothing: one accepts all, one nothing.
func TestTheDriverFindsWhatIsWrong(t *testing.T) {
	all := drive(func(string, []byte, policy) error { return nil })
	none := drive(func(string, []byte, policy) error { return errors.New("no") })
	assert.Greater(t, all["hole"], 250)
	assert.Greater(t, all["confusion"], 50)
	assert.Greater(t, all["leniency"], 250)
	assert.Zero(t, all["outage"])
	assert.Greater(t, none["outage"], 150)
	assert.Len(t, none, 1)
}

// TestTheREADMEShowsTheDriver finds its block of Go in drive, in twenty lines.
func TestTheREADMEShowsTheDriver(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("driver_test.go")
	require.NoError(t, err)
	_, block, _ := strings.Cut(string(page), "```go\n")
	block, _, _ = strings.Cut(block, "```")
	assert.LessOrEqual(t, strings.Count(block, "\n"), 20)
	assert.Contains(t, strings.ReplaceAll(string(source), "\n\t", "\n"), "\n"+block)
}
