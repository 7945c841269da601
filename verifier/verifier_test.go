package verifier_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestTheZeroVerifierRefusesEveryToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var zero verifier.Verifier

	for _, token := range []string{w.Token(), "a.b.c", "x"} {
		expect(t, &zero, token, reason.TooLarge)
		assert.False(t, zero.Explain(t.Context(), token).OK)
	}
	expect(t, &zero, "", reason.Malformed)
}

func TestSize(t *testing.T) {
	t.Parallel()
	const tooLarge = "more than 8192 bytes: raise MaxTokenBytes if such tokens are meant to pass"
	table{
		"8 KiB are looked at":                      malformed("structure", text(strings.Repeat("A", 8<<10))),
		"one byte more is too large":               {token: text(strings.Repeat("A", 8<<10+1)), want: reason.TooLarge, check: "size", detail: tooLarge},
		"the bound can be raised":                  malformed("structure", text(strings.Repeat("A", 9000))).under(maxTokenBytes(9000)),
		"and lowered":                              {setup: maxTokenBytes(100), want: reason.TooLarge, check: "size", detail: "more than 100 bytes: raise MaxTokenBytes if such tokens are meant to pass"},
		"a megabyte of dots is not even looked at": {token: text(strings.Repeat(".", 1<<20)), want: reason.TooLarge, check: "size", detail: tooLarge},
	}.run(t)
}

func maxTokenBytes(n int) func(*world) { return func(w *world) { w.cfg.MaxTokenBytes = n } }
