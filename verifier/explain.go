package verifier

import (
	"context"
	"errors"

	"github.com/sallyport-go/sallyport/reason"
)

// Report is what [Verifier.Explain] saw. It holds claim values, and never the
// signature: treat it like the data of the caller it is about.
type Report struct {
	OK     bool        `json:"ok"`
	Reason reason.Code `json:"reason,omitempty"`
	Checks []Check     `json:"checks"`
	// Hint is the fix in one sentence, "" if the token is good.
	Hint string `json:"hint,omitempty"`
}

// Check is one line of a [Report].
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Skipped: an earlier check left nothing for this one to look at.
	Skipped  bool   `json:"skipped,omitempty"`
	Found    string `json:"found,omitempty"`
	Expected string `json:"expected,omitempty"`
}

// Explain runs every check that it can, past the first that fails, and says
// what each found and expected. Its verdict and reason are those of
// [Verifier.Verify] without the cache. Validators and the revocation hook see
// only claims for which everything else held.
//
// It is for people: slower than Verify, and like Verify it may wait for keys.
func (v *Verifier) Explain(ctx context.Context, token string) Report {
	c := newCheck(ctx, v, token)
	defer c.release()
	var report Report
	var first *Error
	for i := range all {
		c.now = v.clock() // a wait for keys may have moved it
		line, err := all[i].explain(c)
		if err != nil && first == nil {
			first, c.failed = err, true
		}
		report.Checks = append(report.Checks, line)
	}
	if first == nil {
		report.OK = true
		return report
	}
	report.Reason = first.Reason
	report.Hint = hint(c, first)
	return report
}

// explain is one step for a report.
func (s *step) explain(c *check) (Check, *Error) {
	line := Check{Name: s.name}
	if !s.ready(c) {
		line.Skipped = true
		return line, nil
	}
	err := s.run(c)
	line.OK = err == nil
	line.Found, line.Expected = s.describe(c)
	if err != nil && err.Err != nil && line.Found == "" {
		line.Found = cause(err.Err)
	}
	return line, err
}

// cause is the innermost text that says what went wrong.
func cause(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}
