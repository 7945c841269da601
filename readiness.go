package sallyport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/sallyport-go/sallyport/jwks"
)

// AllIssuers asks [Gate.Readiness] for the keys of every issuer. It is no
// issuer's name.
const AllIssuers = "*"

// issuerKeys are the keys of one issuer.
type issuerKeys struct {
	name    string // as the Verifier has it: the iss claim, or a template
	keys    jwks.KeySet
	policy  policy
	fetcher *jwks.Fetcher // nil: the keys were given
}

// Readiness returns nil if calls can be judged now, else an error that names the
// issuers whose keys are missing, and why. It starts fetches that have not been
// asked for, and waits for none: where a pod gets no call before it is ready,
// the probe itself has to bring the keys.
//
// Without arguments the keys of any one issuer are enough, so that the outage of
// one authorization server takes no API away from the callers of another. With
// arguments it is the keys of these issuers, all of them, each by its iss claim;
// [AllIssuers] is every one. A name that the Gate does not trust is an error.
// After Close nothing is ready. A key set of your own is asked for newer keys,
// by its Refresh with a context that has ended, while it has none.
func (g *Gate) Readiness(issuers ...string) error {
	_, err := g.readiness(issuers)
	return err
}

// ReadinessHandler returns a handler that answers what [Gate.Readiness] says of
// these issuers: 200 or 503, and in JSON which of them are ready. It is for a
// probe, so it asks for no token; mount it outside of the Guard, or exempt its
// path. Errors are not repeated to the caller: see Readiness and [Gate.Keys].
func (g *Gate) ReadinessHandler(issuers ...string) http.Handler {
	issuers = slices.Clone(issuers)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !readOnly(w, r) {
			return
		}
		found, err := g.readiness(issuers)
		status := http.StatusOK
		if err != nil {
			status = http.StatusServiceUnavailable
		}
		answerJSON(w, r, status, struct {
			Ready   bool          `json:"ready"`
			Issuers []issuerReady `json:"issuers"`
		}{err == nil, found})
	})
}

// issuerReady is the readiness of one issuer, as it is written.
type issuerReady struct {
	Issuer string `json:"issuer"`
	Ready  bool   `json:"ready"`
	State  string `json:"state"`

	err error
}

// readiness returns what there is to say of the issuers that were asked for, and
// of all of them where any is enough.
func (g *Gate) readiness(asked []string) ([]issuerReady, error) {
	s := g.state()
	if s == &refusing {
		return []issuerReady{}, errNotOpened
	}
	found := make([]issuerReady, 0, len(s.issuers))
	all := len(asked) == 0 || slices.Contains(asked, AllIssuers)
	for _, i := range s.issuers {
		if all || slices.Contains(asked, i.name) {
			found = append(found, i.ready())
		}
	}
	for _, name := range asked {
		if name != AllIssuers && !slices.ContainsFunc(s.issuers, func(i *issuerKeys) bool { return i.name == name }) {
			found = append(found, issuerReady{Issuer: name, State: "not an issuer of this API", err: errors.New("the Gate has no such issuer")})
		}
	}
	var missing []error
	for _, r := range found {
		if r.err != nil {
			missing = append(missing, fmt.Errorf("sallyport: the keys of %.200q: %w", r.Issuer, r.err))
		}
	}
	if len(asked) == 0 && len(missing) < len(found) {
		return found, nil
	}
	return found, errors.Join(missing...)
}

// ended is a context that is over: what is asked with it starts, and is not
// waited for.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (i *issuerKeys) usable() bool {
	s := i.keys.Snapshot()
	return s != nil && s.Usable()
}

// ready reports on the keys of one issuer, and starts their first fetch.
func (i *issuerKeys) ready() issuerReady {
	r := issuerReady{Issuer: i.name}
	f, fetched := i.keys.(*jwks.Fetcher)
	if !fetched {
		if !i.usable() {
			_ = i.keys.Refresh(ended, "") // one that fetches may be behind it, and wait for a first call
			if !i.usable() {
				r.err = errors.New("no usable keys")
			}
		}
		r.Ready, r.State = r.err == nil, "usable"
		if r.err != nil {
			r.State = r.err.Error()
		}
		return r
	}
	err := f.Ready(ended)
	s := f.Status()
	r.Ready, r.State = err == nil, s.String()
	switch {
	case err == nil:
	case errors.Is(err, jwks.ErrClosed):
		r.State, r.err = "closed", err
	case s.LastError != nil:
		r.err = fmt.Errorf("%s: %w", s, s.LastError)
	default:
		r.err = errors.New(s.String())
	}
	return r
}
