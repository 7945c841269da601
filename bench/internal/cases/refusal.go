package cases

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// refusals compares what a stranger can make an API spend without a signed token.
// The configuration is the default one, the fetcher's budget for unknown kids is used up.
func refusals() Group {
	return Group{Name: "Refusal", Open: func() ([]Case, func()) {
		f := fixture.New("RS256")
		keys := fetched(f)
		v := fixture.Must(verifier.New(verifier.Config{Issuers: []verifier.Issuer{contest.Trust(keys)}}))
		spend(keys, v, f)
		dots := strings.Repeat(".", 8<<10)
		cut := strings.LastIndexByte(f.Good, '.')
		list := []Case{
			{Name: "token=good/impl=bare", Run: holds(contest.Bare(f))},
			{Name: "token=8KiB/impl=scan", Run: scans(dots)},
			{Name: "token=one-part", Run: refuses(v, strings.ReplaceAll(f.Good, ".", "A"), reason.Malformed)},
			{Name: "token=two-parts", Run: refuses(v, f.Good[:cut]+f.Good[cut+1:], reason.Malformed)},
			{Name: "token=five-parts", Run: refuses(v, fiveParts(f.Good), reason.Malformed)},
			{Name: "token=bad-base64", Run: refuses(v, f.Good[:cut-9]+"*"+f.Good[cut-8:], reason.Malformed)},
			{Name: "token=cut-json", Run: refuses(v, garbled(f.Good), reason.Malformed)},
			{Name: "token=crafted-json", Run: refuses(v, f.CraftedJSON(), reason.Malformed)},
			{Name: "token=oversized", Run: refuses(v, strings.Repeat(f.Good, 8), reason.TooLarge)},
			{Name: "token=dots-8KiB", Run: refuses(v, dots, reason.Malformed)},
			{Name: "token=dotted-8KiB", Run: refuses(v, strings.Repeat("a.", 8<<10/2), reason.Malformed)},
			{Name: "token=foreign-issuer", Run: refuses(v, f.ForeignIssuer(), reason.UnknownIssuer)},
			{Name: "token=unsupported-alg", Run: refuses(v, f.Token(jwkstest.Header{"alg": "HS256"}), reason.UnsupportedAlg)},
			{Name: "token=unknown-kid", Run: refuses(v, f.UnknownKey(), reason.UnknownKey)},
			{Name: "token=unknown-kids", Run: refusesEach(v, f.UnknownKeys(4096), reason.UnknownKey)},
		}
		return list, func() { _ = keys.Close(); f.Close() }
	}}
}

// fetched returns a Fetcher that has the fixture's key, by HTTP without a socket.
func fetched(f *fixture.Fixture) *jwks.Fetcher {
	keys := fixture.Must(jwks.NewFetcher(jwks.FetcherConfig{
		Issuer: fixture.Issuer, JWKSURL: f.JWKSURL(), Client: f.Client(), Timeout: time.Minute, Cooldown: time.Hour,
	}))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := keys.Ready(ctx); err != nil {
		panic(err)
	}
	return keys
}

// spend asks for keys that do not exist until the budget for them is used up, so
// that others are refused without a fetch from then on. It takes a few seconds.
func spend(keys *jwks.Fetcher, v *verifier.Verifier, f *fixture.Fixture) {
	for keys.Status().BudgetLeft > 0 {
		token := f.Token(jwkstest.Header{"kid": strconv.Itoa(keys.Status().BudgetLeft)})
		if _, err := v.Verify(context.Background(), token); !errors.Is(err, reason.UnknownKey) {
			panic(err)
		}
	}
}

func refuses(v *verifier.Verifier, token string, why reason.Code) func(int) {
	return refusesEach(v, []string{token}, why)
}

// refusesEach takes the tokens in turn.
func refusesEach(v *verifier.Verifier, tokens []string, why reason.Code) func(int) {
	ctx, next := context.Background(), 0
	return func(n int) {
		for range n {
			_, err := v.Verify(ctx, tokens[next])
			if next++; next == len(tokens) {
				next = 0
			}
			if e, ok := err.(*verifier.Error); !ok || e.Reason != why { //nolint:errorlint // the type itself is promised, and As would be timed
				panic("refused as " + err.Error() + ", not as " + string(why))
			}
		}
	}
}

// scans looks at every byte once, as the simplest loop does it.
func scans(text string) func(int) {
	return func(n int) {
		for range n {
			count := 0
			for i := range len(text) {
				if text[i] == '.' {
					count++
				}
			}
			if count != len(text) {
				panic("dots are missing")
			}
		}
	}
}

func fiveParts(token string) string {
	return strings.Replace(token[:200]+"."+token[201:], token[600:601], ".", 1)[:600] + "." + token[601:]
}

// garbled has base64 that decodes, to something that ends in the middle.
func garbled(token string) string {
	head, rest, _ := strings.Cut(token, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	return head + "." + payload[:len(payload)/4*4-8] + "." + signature
}
