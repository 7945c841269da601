package attack

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/quote"
)

// baseline is how the API answers what everybody may know.
type baseline struct {
	open    bool   // no token is needed at all
	garbage int    // its status for a token that is none
	nowhere int    // and for a path that is not there, without a token
	body    string // of the good answer; "" where it is empty or differs from call to call
}

func bearer(token string) string { return "Authorization: Bearer " + token }

// ready waits until a good token is accepted, and learns how the API answers.
func (c *campaign) ready(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, c.cfg.Wait)
	defer cancel()
	var last answer
	for {
		token := c.iss.Token(c.options()...)
		a := c.target.call(bounded, c.target.good(bearer(token)))
		if a.welcome() {
			c.learn(ctx, a)
			return nil
		}
		if a.status != 0 || last.status == 0 {
			last = a
		}
		if ended, why := c.program.ended(); ended {
			return untried("the command ended (%s) before the API accepted a good token%s", why, c.program.tail())
		}
		if !sleep(bounded, 200*time.Millisecond) {
			return c.refusedGood(last)
		}
	}
}

// learn tells a handler's answer from those that everybody gets.
func (c *campaign) learn(ctx context.Context, first answer) {
	second := c.target.call(ctx, c.target.good(bearer(c.iss.Token(c.options()...))))
	if first.body == second.body {
		c.normal.body = first.body
	}
	bad := c.target.call(ctx, c.target.good(bearer("not.a.token")))
	c.normal.open = bad.welcome() && c.target.call(ctx, c.target.good()).welcome()
	c.normal.garbage = bad.status
	c.normal.nowhere = c.target.call(ctx, request{method: c.cfg.Method, target: "/sallyport-attack-nothing-is-here"}).status
}

// refusedGood says what the API must be told.
func (c *campaign) refusedGood(last answer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "within %v the API did not accept a good token: tell it whom to trust\n", c.cfg.Wait)
	fmt.Fprintf(&b, "  issuer    %s  (its keys: %s)\n", c.iss.name(), c.iss.JWKSURL())
	fmt.Fprintf(&b, "  audience  %s\n", quote.Line(c.cfg.Audience, 200))
	fmt.Fprintf(&b, "  alg       %s, typ at+jwt\n", c.cfg.Alg)
	if len(c.cfg.Command) == 0 {
		b.WriteString("  -listen 127.0.0.1:PORT fixes the issuer's address, and -- COMMAND starts the API with SALLYPORT_ISSUER, SALLYPORT_AUDIENCE, ISSUER and AUDIENCE\n")
	}
	token := c.iss.Token(c.options()...)
	header, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	fmt.Fprintf(&b, "the good token's header  %s\n", decoded(header))
	fmt.Fprintf(&b, "the good token's claims  %s  (-claim NAME=VALUE adds to them)\n", decoded(payload))
	if last.status == 0 {
		fmt.Fprintf(&b, "the answer               none: %v\n", last.err)
	} else {
		fmt.Fprintf(&b, "the answer               %d %s\n", last.status, http.StatusText(last.status))
		for _, line := range last.header.Values("WWW-Authenticate") {
			fmt.Fprintf(&b, "                         WWW-Authenticate: %s\n", quote.Line(line, 400))
		}
		if last.body != "" {
			fmt.Fprintf(&b, "                         %s\n", quote.Line(last.body, 400))
		}
	}
	fmt.Fprintf(&b, "the issuer was asked     %d times for metadata, %d times for keys%s", c.iss.DiscoveryFetches(), c.iss.Fetches(), c.program.tail())
	return &UntriedError{b.String()}
}

func decoded(part string) string {
	text, _ := base64.RawURLEncoding.DecodeString(part)
	return quote.Line(string(text), 1000)
}

// sleep reports false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
