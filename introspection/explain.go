package introspection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// Explain reports what was asked about a token and answered, and check after check
// what was found and expected. Its result is that of [Verifier.Verify] without the
// cache. For a JWT of a known issuer it is that of [verifier.Verifier.Explain], with
// a check "introspection" where the issuer is asked about it.
func (v *Verifier) Explain(ctx context.Context, token string) verifier.Report {
	return v.explain(ctx, token, nil)
}

// ExplainRule is [Verifier.Explain] with a rule as the last check.
func (v *Verifier) ExplainRule(ctx context.Context, token string, rule claims.Rule) verifier.Report {
	return v.explain(ctx, token, &rule)
}

func (v *Verifier) explain(ctx context.Context, token string, rule *claims.Rule) verifier.Report {
	if v == nil || v.jwts == nil {
		return verifier.Report{Reason: errNotMadeByNew.Reason, Hint: errNotMadeByNew.Detail}
	}
	asked := slices.Collect(v.issuersOf(token))
	if isJWT(token) || len(asked) == 0 {
		report := v.explainJWT(ctx, token, rule)
		if report.Reason != reason.UnknownIssuer || len(asked) == 0 {
			return report
		}
	}
	if err := v.unfit(token); err != nil {
		return refusedBy(verifier.Check{Name: "token", Found: strconv.Itoa(len(token)) + " bytes", Expected: "what may be shown to an issuer"}, err)
	}
	var out verifier.Report
	var refused error
	var lines []verifier.Check
	for _, s := range asked {
		report, err := s.explain(ctx, token, rule)
		if err == nil {
			report.Checks = append(lines, report.Checks...)
			return report
		}
		if refused == nil || worse(refused, err) != refused { //nolint:errorlint // which of the two
			out, refused = report, err
		}
		lines = append(lines, report.Checks[0])
	}
	out.Checks = append(lines, out.Checks[1:]...)
	return out
}

// explainJWT reports on a JWT, and on what its issuer says of it.
func (v *Verifier) explainJWT(ctx context.Context, token string, rule *claims.Rule) verifier.Report {
	report := v.jwts.Explain(ctx, token)
	good := report.OK
	if rule != nil {
		report = v.jwts.ExplainRule(ctx, token, *rule)
	}
	if !good {
		return report
	}
	c, err := v.jwts.VerifyBound(ctx, token)
	if err != nil {
		return report
	}
	s := v.named[c.Issuer()]
	if s == nil || s.cfg.Tokens == Opaque {
		return report
	}
	line, err := s.explainRevocation(ctx, token)
	at := len(report.Checks)
	if rule != nil {
		at--
	}
	report.Checks = slices.Insert(report.Checks, at, line)
	if err != nil {
		report.OK, report.Reason, report.Hint = false, codeOf(err), hintOf(err)
		if rule != nil {
			report.Checks[at+1] = verifier.Check{Name: "rule", Skipped: true}
		}
	}
	return report
}

func (s *source) explainRevocation(ctx context.Context, token string) (verifier.Check, error) {
	r, line, err := s.askAside(ctx, token)
	if err == nil {
		err = s.aboutOwn(r.about)
	}
	switch {
	case err != nil:
		line.OK = false
		return line, revocation(err)
	case !r.active:
		return line, &verifier.Error{Reason: reason.Revoked, Issuer: s.cfg.Issuer}
	}
	return line, nil
}

// askAside asks past the cache.
func (s *source) askAside(ctx context.Context, token string) (reply, verifier.Check, error) {
	line := verifier.Check{Name: "introspection", Expected: "active true, by " + s.cfg.Endpoint}
	if !s.begin() {
		err := s.unavailable(errClosed, 0)
		line.Found = quote.Line(errClosed.Error(), maxText)
		return reply{}, line, err
	}
	defer s.asking.Done()
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	defer s.onEnd(cancel)()
	r, asked, err := s.ask(own, token, false)
	if err != nil {
		var e *verifier.Error
		if errors.As(err, &e) && e.Err != nil {
			line.Found = quote.Line("no answer: "+e.Err.Error(), maxText)
		}
		return reply{}, line, err
	}
	line.OK = r.active
	line.Found = fmt.Sprintf("active %t, with %d members, in %v", r.active, r.about.Len(), time.Since(asked).Round(time.Millisecond))
	return r, line, nil
}

// explain reports on an opaque token. The first check is the question.
func (s *source) explain(ctx context.Context, token string, rule *claims.Rule) (verifier.Report, error) {
	r, line, err := s.askAside(ctx, token)
	if err == nil && !r.active {
		err = &verifier.Error{Reason: reason.Inactive, Issuer: s.cfg.Issuer}
	}
	if err != nil {
		report := refusedBy(line, err)
		if rule != nil {
			report.Checks = append(report.Checks, verifier.Check{Name: "rule", Skipped: true})
		}
		return report, err
	}
	report := s.judge.Explain(ctx, s.cfg.Issuer, r.about, rule)
	report.Checks = append([]verifier.Check{line}, report.Checks...)
	if last := report.Checks[len(report.Checks)-1]; report.OK || rule != nil && !last.Skipped {
		return report, nil // the token is good, whatever the rule says
	}
	return report, report.Reason
}

func refusedBy(line verifier.Check, err error) verifier.Report {
	return verifier.Report{Reason: codeOf(err), Hint: hintOf(err), Checks: []verifier.Check{line}}
}

func codeOf(err error) reason.Code {
	if e, ok := errors.AsType[*verifier.Error](err); ok {
		return e.Reason
	}
	return reason.IntrospectionUnavailable
}

func hintOf(err error) string {
	e, ok := errors.AsType[*verifier.Error](err)
	if !ok {
		return ""
	}
	switch e.Reason {
	case reason.Inactive:
		return "The issuer calls the token inactive: it is expired, revoked, unknown to it or not for this API. The caller must ask for a new one."
	case reason.Revoked:
		return "The issuer calls the token inactive, though it is good by its signature: it was revoked, and the caller must ask for a new one."
	case reason.IntrospectionUnavailable, reason.RevocationUnavailable:
		text := "The issuer could not be asked about the token, which says nothing about it"
		if e.Err != nil {
			text += ": " + e.Err.Error()
		}
		return quote.Line(text, 2*maxText) + "."
	}
	return e.Detail
}
