package attack

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

const (
	steadyFor = 3 * time.Second // good calls are made while a fault lasts
	huge      = 8 << 20         // bytes of a key set
)

// fault is something that an issuer can do to an API.
type fault struct {
	name    string
	section string
	run     func(*stage, context.Context)
}

// allFaults returns what an issuer can do.
func allFaults() []fault {
	const rotation, trouble = "OpenID Connect Core 1.0 10.1.1", "CWE-754"
	return []fault{
		{"faults: a rotation that was announced", rotation, (*stage).announced},
		{"faults: a rotation that was not announced", rotation, (*stage).unannounced},
		{"faults: the key that was withdrawn", rotation, (*stage).withdrawn},
		{"faults: a stray kid before a rotation", rotation, (*stage).strayFirst},
		{"faults: a rotation that was rolled back", rotation, (*stage).rolledBack},
		{"faults: an outage", trouble, (*stage).outage},
		{"faults: an issuer that hangs", trouble, (*stage).hangs},
		{"faults: a huge key set", "CWE-770", (*stage).hugeSet},
		{"faults: an empty key set", trouble, (*stage).emptySet},
		{"faults: a key set that is no JSON", trouble, (*stage).noJSON},
		{coldStart, trouble, (*stage).coldStart},
	}
}

const coldStart = "faults: a cold start while the issuer is away" // which only a command can do

// faults returns what is tried of the issuer.
func (c *campaign) faults() (out []fault) {
	if !c.cfg.Faults || c.normal.open {
		return nil
	}
	for _, f := range allFaults() {
		switch {
		case !c.chosen(f.name, faultGroup):
		case len(c.cfg.Command) == 0 && f.name == coldStart:
			c.skip(f.name, "no command was given that could start the API again")
		default:
			out = append(out, f)
		}
	}
	return out
}

// tryFaults tries them one after the other, each with an API that is well.
func (c *campaign) tryFaults(ctx context.Context, faults []fault) {
	usual := c.iss.Published()
	s := &stage{campaign: c, key: c.iss.Key(), stray: c.iss.NewKey(c.cfg.Alg)}
	for i, f := range faults {
		if why := s.reset(ctx, usual); why != "" {
			for _, rest := range faults[i:] {
				c.skip(rest.name, why)
			}
			return
		}
		s.fault = f
		f.run(s, ctx)
		if ctx.Err() != nil {
			c.skip(f.name, "the time was up")
			continue
		}
		c.report.Tried++
		c.finish(f.name)
	}
	s.restore(usual, true)
}

// stage is where a fault is played.
type stage struct {
	*campaign
	fault  fault
	key    *jwkstest.Key // that signs now
	lost   bool          // the API did not accept it
	stray  *jwkstest.Key // that is never published
	strays int
}

// restore ends a fault. The key that the API knows by now stays, since another one would cost it a fetch, which some
// make only every half minute. To an API that does not know it the keys of the beginning are given back.
func (s *stage) restore(usual []*jwkstest.Key, all bool) {
	s.iss.Restore()
	if !all {
		return
	}
	for _, k := range s.iss.Published() {
		s.iss.Remove(k.ID())
	}
	s.iss.Publish(usual...)
	s.key, s.lost = s.iss.Key(), false
}

// reset brings the issuer back, and says why the API is not well with it.
func (s *stage) reset(ctx context.Context, usual []*jwkstest.Key) string {
	s.restore(usual, s.lost)
	if _, ok := s.recovers(ctx); ok {
		return ""
	}
	if s.restore(usual, true); s.accepted(ctx, s.cfg.Recovery) {
		return ""
	}
	if ctx.Err() != nil {
		return "the time was up"
	}
	if s.program != nil {
		if s.restart(ctx); s.accepted(ctx, s.cfg.Wait) {
			return ""
		}
	}
	return "the API had not recovered from the fault before"
}

func (s *stage) restart(ctx context.Context) {
	s.program.stop()
	if again, err := start(ctx, s.cfg, s.iss.name()); err == nil {
		s.program = again
	}
}

func (s *stage) token() string {
	return s.iss.Token(append(s.options(), jwkstest.WithKey(s.key))...)
}

func (s *stage) call(ctx context.Context, token string) answer {
	return s.target.call(ctx, s.target.good(bearer(token)))
}

// recovers reports whether a good token is accepted in the time that is granted, and the last status.
func (s *stage) recovers(ctx context.Context) (status int, ok bool) {
	bounded, cancel := context.WithTimeout(ctx, s.cfg.Recovery)
	defer cancel()
	for {
		a := s.call(bounded, s.token())
		if a.welcome() {
			return a.status, true
		}
		if a.status != 0 {
			status = a.status
		}
		if !sleep(bounded, 200*time.Millisecond) {
			s.lost = true
			return status, false
		}
	}
}

func (s *stage) accepted(ctx context.Context, within time.Duration) bool {
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	_, ok := s.recovers(bounded)
	return ok
}

// mustRecover adds a finding if good calls are not accepted in time.
func (s *stage) mustRecover(ctx context.Context, when string) {
	if status, ok := s.recovers(ctx); !ok && ctx.Err() == nil {
		s.outageFound(fmt.Sprintf("good calls are refused for more than %v %s", s.cfg.Recovery, when), status)
	}
}

// mustBeSteady makes good calls for a while, none of which may fail. A silence counts when it comes three times in a row.
func (s *stage) mustBeSteady(ctx context.Context, when string) {
	silent := 0
	for until := time.Now().Add(steadyFor); (silent > 0 || time.Now().Before(until)) && ctx.Err() == nil; {
		a := s.call(ctx, s.token())
		switch {
		case ctx.Err() != nil:
			return
		case a.silent:
			if silent++; silent == 3 {
				s.outageFound("good calls wait for a second or more "+when, a.status)
				return
			}
			continue
		case !a.welcome():
			s.outageFound("good calls are refused "+when, a.status)
			return
		}
		silent = 0
		if !sleep(ctx, 100*time.Millisecond) {
			return
		}
	}
}

// outageFound adds a finding, one for each fault: what comes behind the first is its consequence.
func (s *stage) outageFound(what string, status int) {
	if n := len(s.report.Findings); n > 0 && s.report.Findings[n-1].Name == s.fault.name {
		return
	}
	s.find(s.fault.name, forgeries.Note{Group: faultGroup, Level: forgeries.Outage, Section: s.fault.section, What: what}, status)
}

// sendStrays sends tokens of keys that the issuer does not have, so that the API asks for keys. None may be believed.
func (s *stage) sendStrays(ctx context.Context, n int) {
	for range n {
		s.strays++
		kid := fmt.Sprintf("stray-%d", s.strays)
		a := s.call(ctx, s.iss.Token(append(s.options(), jwkstest.WithKey(s.stray), jwkstest.Header{"kid": kid})...))
		if a.welcome() {
			s.find(s.fault.name, forgeries.Note{
				Group: faultGroup, Level: forgeries.Hole, Section: "RFC 9068 4", What: "anybody gets in while the API has trouble with its keys",
			}, a.status)
			return
		}
	}
}

// rotate publishes a new key, which signs from now on, and withdraws the one before it unless that stays.
func (s *stage) rotate(stays bool) (old *jwkstest.Key) {
	old, s.key = s.key, s.iss.NewKey(s.cfg.Alg)
	s.iss.Publish(s.key)
	if !stays {
		s.iss.Remove(old.ID())
	}
	return old
}

func (s *stage) announced(ctx context.Context) {
	old := s.rotate(true)
	next := s.key
	s.key = old
	s.mustBeSteady(ctx, "after a key was added to the set")
	s.key = next
	s.mustRecover(ctx, "after a rotation that was announced")
	s.key = old
	s.mustBeSteady(ctx, "with the old key, which is still published")
}

func (s *stage) unannounced(ctx context.Context) {
	s.rotate(false)
	s.mustRecover(ctx, "after the issuer changed its key at once")
}

func (s *stage) withdrawn(ctx context.Context) {
	old := s.rotate(false)
	if _, ok := s.recovers(ctx); !ok {
		return // which the fault before this one shows
	}
	bounded, cancel := context.WithTimeout(ctx, s.cfg.Recovery)
	defer cancel()
	for {
		a := s.call(bounded, s.iss.Token(append(s.options(), jwkstest.WithKey(old))...))
		if a.status != 0 && !a.welcome() || ctx.Err() != nil {
			return
		}
		if !sleep(bounded, 500*time.Millisecond) {
			break
		}
	}
	s.find(s.fault.name, forgeries.Note{
		Group: faultGroup, Level: forgeries.Hole, Section: s.fault.section,
		What: fmt.Sprintf("a key that leaked opens the API for more than %v after its issuer withdrew it", s.cfg.Recovery),
	}, http.StatusOK)
}

func (s *stage) strayFirst(ctx context.Context) {
	s.sendStrays(ctx, 5)
	s.rotate(false)
	s.mustRecover(ctx, "after a rotation, since a stranger sent unknown kids before it")
}

func (s *stage) rolledBack(ctx context.Context) {
	old := s.rotate(false)
	s.mustRecover(ctx, "after a rotation")
	s.iss.Remove(s.key.ID())
	s.iss.Publish(old)
	s.key = old
	s.mustRecover(ctx, "after the issuer took its rotation back")
}

func (s *stage) outage(ctx context.Context) {
	s.iss.Fail(http.StatusServiceUnavailable)
	s.sendStrays(ctx, 3)
	s.mustBeSteady(ctx, "while the issuer is away, though their key is known")
	s.iss.Restore()
	s.mustRecover(ctx, "after an outage of the issuer")
}

func (s *stage) hangs(ctx context.Context) {
	s.iss.Hang()
	short, cancel := context.WithTimeout(ctx, silence)
	s.sendStrays(short, 1) // it may wait for keys; others may not
	cancel()
	s.mustBeSteady(ctx, "while the issuer hangs, though their key is known")
	s.iss.Restore()
	s.mustRecover(ctx, "after the issuer hung")
}

// serves has the issuer answer something else for keys, which must not be the end of those that are known.
func (s *stage) serves(ctx context.Context, set string) {
	s.iss.ServeJWKS(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(set))
	})
	s.sendStrays(ctx, 3)
	s.mustBeSteady(ctx, "while the issuer sends "+strings.TrimPrefix(s.fault.name, "faults: "))
	s.iss.Restore()
	s.mustRecover(ctx, "after the issuer sent "+strings.TrimPrefix(s.fault.name, "faults: "))
}

func (s *stage) hugeSet(ctx context.Context) {
	s.serves(ctx, `{"keys":[`+strings.TrimSuffix(strings.Repeat(`{"kty":"none","kid":"`+strings.Repeat("x", 1000)+`"},`, huge/1024), ",")+`]}`)
}

func (s *stage) noJSON(ctx context.Context) { s.serves(ctx, "<html>maintenance</html>") }

// emptySet may end the keys that are known: an issuer may withdraw them all. But not for ever.
func (s *stage) emptySet(ctx context.Context) {
	s.iss.ServeJWKS(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) })
	s.sendStrays(ctx, 3)
	s.iss.Restore()
	s.mustRecover(ctx, "after the issuer sent an empty key set once")
}

// coldStart starts the API again while the issuer is away. It may refuse everything then, but must come up afterwards.
func (s *stage) coldStart(ctx context.Context) {
	s.program.stop()
	s.iss.Fail(http.StatusServiceUnavailable)
	again, err := start(ctx, s.cfg, s.iss.name())
	if err != nil {
		s.outageFound("the API does not start: "+err.Error(), 0)
		return
	}
	s.program = again
	s.sendStrays(ctx, 1)
	sleep(ctx, steadyFor)
	s.sendStrays(ctx, 3)
	if ended, how := s.program.ended(); ended {
		s.outageFound("the API does not start while its issuer is away: "+how, 0)
		s.iss.Restore()
		s.restart(ctx)
		return
	}
	s.iss.Restore()
	s.mustRecover(ctx, "after the API was started while its issuer was away")
}
