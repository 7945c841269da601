package attack

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/internal/forgeries"
)

const (
	workers    = 4  // connections at a time
	probeEvery = 60 // cases between two good calls
)

// tryAll tries every case, and that good calls go on being answered.
func (c *campaign) tryAll(ctx context.Context, cases []attempt) {
	pace := c.pace()
	defer pace.Stop()
	for len(cases) > 0 && ctx.Err() == nil {
		n := min(probeEvery, len(cases))
		c.tryBatch(ctx, cases[:n], pace)
		if why := c.stillGood(ctx, cases[n-1].name); why != "" {
			c.skipRest(cases[n:], why)
			return
		}
		cases = cases[n:]
	}
	c.skipRest(cases, "the time was up")
}

func (c *campaign) skipRest(cases []attempt, why string) {
	for i := range cases {
		c.skip(cases[i].name, why)
	}
}

// pace limits how many requests begin in a second.
func (c *campaign) pace() *time.Ticker {
	rate := c.cfg.Rate
	if rate == 0 {
		rate = 200
		if !c.target.local {
			rate = 20
		}
	}
	return time.NewTicker(time.Second / time.Duration(rate))
}

// tryBatch tries cases side by side, but for those that must be alone.
func (c *campaign) tryBatch(ctx context.Context, cases []attempt, pace *time.Ticker) {
	verdicts := make([]verdict, len(cases))
	var side sync.WaitGroup
	free := make(chan struct{}, workers)
	for i := range cases {
		select {
		case <-pace.C:
		case <-ctx.Done():
		}
		if cases[i].alone {
			side.Wait()
			verdicts[i] = c.try(ctx, &cases[i])
			c.finish(cases[i].name)
			continue
		}
		free <- struct{}{}
		side.Go(func() {
			verdicts[i] = c.try(ctx, &cases[i])
			c.finish(cases[i].name)
			<-free
		})
	}
	side.Wait()
	for i, v := range verdicts {
		c.record(&cases[i], v)
	}
}

// verdict is what came of a case.
type verdict struct {
	found   *forgeries.Note
	status  int
	skipped string // why it was not tried
}

func (c *campaign) record(a *attempt, v verdict) {
	switch {
	case v.skipped != "":
		c.skip(a.name, v.skipped)
	default:
		c.report.Tried++
		if v.found != nil {
			c.find(a.name, *v.found, v.status)
		}
	}
}

// try makes the call of a case. A silence counts when it comes three times: the machine may have been busy once. An API
// that limits the rate is obeyed.
func (c *campaign) try(ctx context.Context, a *attempt) verdict {
	for try := 1; ; try++ {
		strays := c.iss.Strays()
		got := c.target.call(ctx, a.requests...)
		if ctx.Err() != nil {
			return verdict{skipped: "the time was up"}
		}
		v := c.judge(a, got, a.alone && c.iss.Strays() != strays)
		again := got.silent || (got.status == 0 && v.found != nil)
		switch {
		case got.status == http.StatusTooManyRequests && try <= 3:
			if !sleep(ctx, retryAfter(got)) {
				return verdict{skipped: "the time was up"}
			}
		case got.status == http.StatusTooManyRequests:
			return verdict{skipped: "the API limits the rate of requests (429): lower -rate"}
		case !again || try >= 3:
			return v
		}
	}
}

func retryAfter(a answer) time.Duration {
	if s, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && s >= 0 {
		return min(time.Duration(s)*time.Second, 10*time.Second)
	}
	return time.Second
}

// judge says what an answer shows. RFC 6750 section 3.1: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
func (c *campaign) judge(a *attempt, got answer, fetched bool) verdict {
	v := verdict{status: got.status}
	if fetched || c.through(a, got) {
		v.found = &a.note
	} else if what := failure(a, got); what != "" {
		v.found = &forgeries.Note{Group: a.note.Group, Level: forgeries.Outage, Section: "RFC 6750 3.1", What: what}
	}
	return v
}

// through reports whether the request was believed, or whether that is open: an answer that a token gets which is none
// says no.
func (c *campaign) through(a *attempt, got answer) bool {
	switch {
	case a.elsewhere:
		return c.openedElsewhere(a, got)
	case got.welcome(), got.status == http.StatusSwitchingProtocols:
		return true
	}
	believed := got.status == http.StatusForbidden || got.status >= 300 && got.status < 400
	return believed && got.status != c.normal.garbage
}

// failure says how the API fails instead of refusing, "" if it does not.
func failure(a *attempt, got answer) string {
	unsupported := got.status == http.StatusNotImplemented || got.status == http.StatusHTTPVersionNotSupported
	switch {
	case got.silent:
		return "the API says nothing for a second or more: whoever sends such requests holds its connections"
	case got.status == 0 && !a.odd:
		return "the API closes the connection without an answer, as after a crash: whoever sends such requests can end calls of others"
	case got.status >= 500 && (!a.odd || !unsupported):
		return fmt.Sprintf("the API answers %d, an error of its own, to a request that it should refuse: strangers can raise its alarms", got.status)
	}
	return ""
}

// openedElsewhere reports whether another path or method led to what a good token opens. Where the good answer is no
// mark, by itself or since it changes, any success counts that an unknown path does not have.
func (c *campaign) openedElsewhere(a *attempt, got answer) bool {
	if !got.welcome() {
		return false
	}
	if c.normal.body != "" && a.requests[0].method != http.MethodHead {
		return got.body == c.normal.body
	}
	return c.normal.nowhere < 200 || c.normal.nowhere >= 300
}

// stillGood returns why nothing more can be tried, "" while good calls are answered. An API that stumbled has three
// seconds to get up again.
func (c *campaign) stillGood(ctx context.Context, after string) string {
	first, silent := 0, 0
	for try := 1; try <= 10 && ctx.Err() == nil; try++ {
		got := c.target.call(ctx, c.target.good(bearer(c.iss.Token(c.options()...))))
		switch {
		case ctx.Err() != nil:
			return "" // the time was up, which is said elsewhere
		case got.welcome() && !got.silent:
			if refusals := try - 1 - silent; refusals > 0 {
				c.find("good: refused for a while, after "+after, refusedGood("a good call is refused while the API is attacked"), first)
			}
			return ""
		case got.silent:
			silent++
		case first == 0:
			first = got.status
		}
		sleep(ctx, 300*time.Millisecond)
	}
	if ctx.Err() != nil {
		return ""
	}
	what, why := "good calls are refused since the API was attacked", "good calls are refused"
	if ended, how := c.program.ended(); ended {
		what, why = "the API ended while it was attacked: "+how, "the API has ended"
	}
	c.find("good: refused after "+after, refusedGood(what), first)
	return why
}

func refusedGood(what string) forgeries.Note {
	return forgeries.Note{Group: goodGroup, Level: forgeries.Outage, Section: "RFC 9068 4", What: what}
}
