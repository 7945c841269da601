package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
)

const maxAnswer = 1 << 20 // bytes

// call is one request to the API, or to the authorization server's levers.
type call struct {
	who    string // whose token it carries, or what is wrong with that
	method string
	path   string
	token  string // "" for none
	body   string
}

func get(who, path, token string) call { return call{who, http.MethodGet, path, token, ""} }

// answer is a response that was read to its end, with the reasons that the API
// logged.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	reasons []string
}

// request sends a call to the server at base, compares the answer with the
// promise and prints both. note goes with an answer as promised; without one,
// that is how the answer begins.
func (p *play) request(ctx context.Context, base string, c call, want promise, note string) answer {
	p.refusals.take()
	a, err := p.send(ctx, base, c)
	a.reasons = p.refusals.take()
	p.show(ctx, c, a, err, want, note)
	return a
}

// lever pulls one of the authorization server's levers.
func (p *play) lever(ctx context.Context, path, note string) {
	p.request(ctx, p.auth.URL(), call{who: "you", method: http.MethodPost, path: path}, accepted(http.StatusOK), note)
}

// show counts and prints an answer, unless it was cut off by ctx.
func (p *play) show(ctx context.Context, c call, a answer, err error, want promise, note string) {
	if ctx.Err() != nil {
		return
	}
	differences := p.count(a, err, want)
	if note == "" {
		note = string(a.body[:min(len(a.body), 60)])
	}
	p.screen.answer(c, a, strings.TrimSpace(note), differences)
}

// count counts one answer and returns where it is not as promised.
func (p *play) count(a answer, err error, want promise) []string {
	differences := want.differences(a)
	if err != nil {
		differences = []string{err.Error()}
	}
	if len(differences) > 0 {
		p.broken.Add(1)
	} else {
		p.kept.Add(1)
	}
	return differences
}

// send is one request and nothing else.
func (p *play) send(ctx context.Context, base string, c call) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, c.method, base+c.path, strings.NewReader(c.body)) //nolint:gosec // G704: it asks the two servers of this process
	if err != nil {
		return answer{}, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return p.do(r)
}

func (p *play) do(r *http.Request) (answer, error) {
	res, err := p.client.Do(r) //nolint:gosec // G704: see send
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return answer{}, fmt.Errorf("the answer broke off: %w", err)
	}
	return answer{status: res.StatusCode, header: res.Header, body: body}, nil
}

// lifetimes are the documented expires_in, in seconds. Bokbasen hands out the
// same token again until less than ten minutes are left.
var lifetimes = map[devauth.Scheme]struct{ least, most int }{
	devauth.OKQ8:      {3599, 3599},
	devauth.Messaging: {3600, 3600},
	devauth.Bokbasen:  {600, 86400},
}

// token gets one by the scheme's documented request, which it prints first if
// it is to be shown.
func (p *play) token(ctx context.Context, scheme devauth.Scheme, name string, show bool) string {
	var got struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	var a answer
	r, err := p.tokenRequest(ctx, scheme, name, show)
	if err == nil {
		a, err = p.do(r)
	}
	if err == nil && a.status == http.StatusOK {
		err = json.Unmarshal(a.body, &got)
	}
	if life := lifetimes[scheme]; err == nil && (got.TokenType != "Bearer" || strings.Count(got.AccessToken, ".") != 2 ||
		got.ExpiresIn < life.least || got.ExpiresIn > life.most) {
		err = fmt.Errorf("promised a JWT by Bearer, good for %d to %d s, got %q, %d s", life.least, life.most, got.TokenType, got.ExpiresIn)
	}
	note := fmt.Sprintf("%s, good for %d s", shortened(got.AccessToken), got.ExpiresIn)
	p.show(ctx, call{who: name, method: http.MethodPost, path: "…/token"}, a, err, accepted(http.StatusOK), note)
	return got.AccessToken
}

func (p *play) tokenRequest(ctx context.Context, scheme devauth.Scheme, name string, show bool) (*http.Request, error) {
	c, err := p.auth.Client(scheme, name)
	if err != nil {
		return nil, err
	}
	request := p.auth.TokenRequest(c)
	if show {
		c.Secret = hidden
		p.screen.curl(p.auth.TokenRequest(c))
	}
	return request.Request(ctx)
}

// promise is the documented answer to a call.
type promise struct {
	status int
	code   string // error of the challenge (RFC 6750 section 3.1), "" for none
	scope  string // scope of the challenge, "" for none
	reason string // in the API's log, "" if the call is let through
}

func accepted(status int) promise { return promise{status: status} }

func noToken() promise { return promise{status: http.StatusUnauthorized, reason: "no_token"} }

func badToken(reason string) promise {
	return promise{http.StatusUnauthorized, "invalid_token", "", reason}
}

func lacks(level string) promise {
	return promise{http.StatusForbidden, "insufficient_scope", level, "insufficient_scope"}
}

func noKeys() promise {
	return promise{status: http.StatusServiceUnavailable, reason: "keys_unavailable"}
}

// differences returns where an answer is not as promised, one line each.
func (p promise) differences(a answer) []string {
	var out []string
	compare := func(what string, want, got any) {
		if want != got {
			out = append(out, fmt.Sprintf("%s: promised %v, got %v", what, want, got))
		}
	}
	challenges, wantChallenges := a.header.Values("WWW-Authenticate"), 0 // where the caller's token is not to blame
	if p.status == http.StatusUnauthorized || p.status == http.StatusForbidden {
		wantChallenges = 1
	}
	challenge := strings.Join(challenges, ", ")
	compare("status", p.status, a.status)
	compare("challenges", wantChallenges, len(challenges))
	if challenge != "" && !strings.HasPrefix(challenge, "Bearer ") {
		compare("challenge", "Bearer", "another scheme")
	}
	compare("error", quoted(p.code), quoted(param(challenge, "error")))
	compare("scope", quoted(p.scope), quoted(param(challenge, "scope")))
	compare("Retry-After", p.status == http.StatusServiceUnavailable, a.header.Get("Retry-After") != "")
	compare("in the log", quoted(p.reason), quoted(strings.Join(a.reasons, ", ")))
	return out
}

func quoted(s string) string {
	if s == "" {
		return "none"
	}
	return fmt.Sprintf("%q", s)
}

// param reads a parameter of a challenge. The values that are promised hold no
// quotes.
func param(challenge, name string) string {
	found := regexp.MustCompile(`^Bearer (?:.*, )?` + name + `="([^"]*)"`).FindStringSubmatch(challenge)
	if found == nil {
		return ""
	}
	return found[1]
}

// refusal is a record of the API's log: what the caller does not learn.
type refusal struct {
	Status          int
	Reason, Pattern string
}

// refusals collects the reasons of refused requests from the API's log in JSON,
// which is written to it line by line.
type refusals struct {
	mu       sync.Mutex
	reasons  []string
	follower func(refusal)
}

// take returns the reasons since the last take.
func (r *refusals) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := slices.Clone(r.reasons)
	r.reasons = nil
	return taken
}

// follow hands every refusal from now on to f, instead of keeping it.
func (r *refusals) follow(f func(refusal)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.follower = f
}

// Write keeps the reason of a refusal. All other records are about keys and
// tokens.
func (r *refusals) Write(line []byte) (int, error) {
	var record refusal
	if err := json.Unmarshal(line, &record); err != nil || record.Reason == "" {
		return len(line), nil //nolint:nilerr // some record's members are of other types
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.follower != nil {
		r.follower(record)
	} else {
		r.reasons = append(r.reasons, record.Reason)
	}
	return len(line), nil
}
