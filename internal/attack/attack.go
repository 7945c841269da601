// Package attack tries a running API, of any language, with every forgery of package jwkstest and with odd requests.
//
// It plays the issuer that the API trusts, so that it can sign what an attacker could not: the forgeries differ from a
// token that the API accepts in one thing only. What gets through is a [Finding]. It sends bytes over sockets of its
// own, since a client of net/http repairs or refuses the odd ones.
package attack

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// Config says what is attacked and how. URL and Audience must be set.
type Config struct {
	URL      string            // of a call that a good token makes succeed
	Audience string            // that the API accepts
	Method   string            // "" is GET
	Body     string            // of each request
	Header   []string          // lines such as "Accept: text/plain" for each request
	Claims   map[string]any    // that a good token must have
	Alg      string            // of the issuer's key; "" is RS256
	Only     []string          // groups; none is all
	Skip     map[string]string // why a case, or a group, is not tried
	Faults   bool              // of the issuer are tried too

	Listen  string   // the issuer's address, "" is a free port on 127.0.0.1
	Command []string // starts the API; none: it runs
	Output  io.Writer
	Mine    bool // the API need not be on loopback

	Rate     int           // requests a second; 0 is 200, or 20 for an API that is not on loopback
	Wait     time.Duration // for the API to accept a good token; 0 is 30 s
	Limit    time.Duration // for the whole run; 0 is 110 s, with Faults 290 s
	Recovery time.Duration // after a fault, for a good token to be accepted again; 0 is 40 s

	// Started is told the issuer's name before the API is waited for. It may be nil.
	Started func(issuer string)
	// Progress is told of each case that ends, one after the other. It may be nil.
	Progress func(done, total int, name string)
}

// UntriedError reports that the API could not be tried, and what to do.
type UntriedError struct{ Why string }

// Error implements error.
func (e *UntriedError) Error() string { return e.Why }

func untried(format string, args ...any) error { return &UntriedError{fmt.Sprintf(format, args...)} }

func (c *Config) defaults() {
	if c.Method == "" {
		c.Method = "GET"
	}
	if c.Alg == "" {
		c.Alg = "RS256"
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.Wait == 0 {
		c.Wait = 30 * time.Second
	}
	if c.Recovery == 0 {
		c.Recovery = 40 * time.Second // libraries wait for 30 between two fetches
	}
	if c.Limit == 0 {
		c.Limit = 110 * time.Second
		if c.Faults {
			c.Limit = 290 * time.Second
		}
	}
	if c.Progress == nil {
		c.Progress = func(int, int, string) {}
	}
}

// Run attacks the API. The error is an [*UntriedError] where it could not be tried, and any other is of the
// configuration. A report beside an error holds what was found before.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	cfg.defaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	target, err := newTarget(ctx, &cfg)
	if err != nil {
		return nil, err
	}
	iss, err := listen(ctx, &cfg)
	if err != nil {
		return nil, err
	}
	defer iss.close()
	c := &campaign{cfg: &cfg, iss: iss, target: target, report: &Report{API: cfg.URL, Findings: []Finding{}, Skipped: []Skipped{}}}
	if cfg.Started != nil {
		cfg.Started(iss.name())
	}
	if len(cfg.Command) > 0 {
		if c.program, err = start(ctx, &cfg, iss.name()); err != nil {
			return nil, err
		}
		defer func() { c.program.stop() }()
	}
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, cfg.Limit)
	defer cancel()
	err = c.run(bounded)
	c.report.sort()
	if ctx.Err() != nil {
		return c.report, untried("it was interrupted: %d cases were tried", c.report.Tried)
	}
	return c.report, err
}

// campaign is one run.
type campaign struct {
	cfg     *Config
	iss     *issuer
	target  *target
	program *program // nil without a command
	report  *Report
	normal  baseline
	total   int

	mu   sync.Mutex
	done int
}

func (c *campaign) run(ctx context.Context) error {
	cases, err := c.cases()
	if err != nil {
		return err
	}
	faults := c.faults()
	c.total = len(cases) + len(faults)
	if c.total == 0 {
		return untried("nothing is left to try: see -only and -skip")
	}
	c.tryAll(ctx, cases)
	c.tryFaults(ctx, faults)
	return c.outcome(ctx)
}

// outcome returns an error if the time was up before all was tried.
func (c *campaign) outcome(ctx context.Context) error {
	if ctx.Err() != nil {
		return untried("the time was up after %d of %d cases: see what is skipped, try groups apart with -only, or give it more time with -limit", c.done, c.total)
	}
	return nil
}

// options are those of a good token.
func (c *campaign) options() []jwkstest.TokenOption {
	return []jwkstest.TokenOption{jwkstest.Claims(c.cfg.Claims)}
}

// finish counts a case.
func (c *campaign) finish(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	c.cfg.Progress(c.done, c.total, name)
}

// find adds a finding.
func (c *campaign) find(name string, note forgeries.Note, status int) {
	c.report.Findings = append(c.report.Findings, Finding{
		Name: name, Group: note.Group, Level: note.Level, Section: note.Section, URL: note.URL(), What: note.What, Status: status,
	})
}

func (c *campaign) skip(name, why string) {
	c.report.Skipped = append(c.report.Skipped, Skipped{Name: name, Why: why})
}
