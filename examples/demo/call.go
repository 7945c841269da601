package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

const maxAnswer = 1 << 20 // bytes

// call is one request to the API.
type call struct {
	who    string // whose token it carries, or what is wrong with that
	method string
	path   string
	token  string // "" for none
	body   string
}

// answer is a response that was read to its end, with the reasons that the API
// logged.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	reasons []string
}

// request sends a call to the API, compares the answer with the promise and
// prints both. note is the text for an answer as promised.
func (p *play) request(ctx context.Context, c call, want promise, note func(answer) string) answer {
	return p.requestAt(ctx, p.api, c, want, note)
}

func (p *play) requestAt(ctx context.Context, at *api.Server, c call, want promise, note func(answer) string) answer {
	p.refusals.take()
	a, err := p.send(ctx, at.URL(), c)
	a.reasons = p.refusals.take()
	p.show(ctx, c, a, err, want, note)
	return a
}

// show counts and prints an answer, unless it was cut off by ctx.
func (p *play) show(ctx context.Context, c call, a answer, err error, want promise, note func(answer) string) {
	if ctx.Err() != nil {
		return
	}
	differences := p.count(a, err, want)
	text := ""
	if len(differences) == 0 && note != nil {
		text = note(a)
	}
	p.screen.answer(len(differences) == 0, a.status, c, text)
	p.screen.headers(a.header)
	p.screen.differences(differences)
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

// fails counts and prints what could not even be asked.
func (p *play) fails(ctx context.Context, who string, err error) {
	p.show(ctx, call{who: who}, answer{}, err, promise{}, nil)
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

// lever pulls one of the authorization server's levers.
func (p *play) lever(ctx context.Context, path string, note func(answer) string) {
	c := call{who: "you", method: http.MethodPost, path: path}
	a, err := p.send(ctx, p.auth.URL(), c)
	p.show(ctx, c, a, err, accepted(http.StatusOK), note)
}

// says is a note that does not depend on the answer.
func says(text string) func(answer) string { return func(answer) string { return text } }

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
	r, err := p.tokenRequest(ctx, scheme, name, show)
	if err != nil {
		p.fails(ctx, name, err)
		return ""
	}
	a, err := p.do(r)
	var got struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err == nil && a.status == http.StatusOK {
		err = json.Unmarshal(a.body, &got)
	}
	if life := lifetimes[scheme]; err == nil && (got.TokenType != "Bearer" || strings.Count(got.AccessToken, ".") != 2 ||
		got.ExpiresIn < life.least || got.ExpiresIn > life.most) {
		err = fmt.Errorf("promised a JWT by Bearer, good for %d to %d s, got %q, %d s", life.least, life.most, got.TokenType, got.ExpiresIn)
	}
	p.show(ctx, call{who: name, method: http.MethodPost, path: "…/token"}, a, err, accepted(http.StatusOK), func(answer) string {
		return fmt.Sprintf("%s, good for %d s", shortened(got.AccessToken), got.ExpiresIn)
	})
	return got.AccessToken
}

func (p *play) tokenRequest(ctx context.Context, scheme devauth.Scheme, name string, show bool) (*http.Request, error) {
	c, err := p.auth.Client(scheme, name)
	if err != nil {
		return nil, err
	}
	secret, err := p.auth.Secret(scheme, c.ID)
	if err != nil {
		return nil, err
	}
	request, err := p.auth.TokenRequest(scheme, c.ID, "")
	if err != nil {
		return nil, err
	}
	if show {
		p.screen.curl(curlLines(request, secret))
	}
	return request.Request(ctx)
}

// flawed is a token of Bokbasen's client with all levels that has one thing
// wrong.
func (p *play) flawed(ctx context.Context, flaw devauth.Flaw) string {
	c, err := p.auth.Client(devauth.Bokbasen, devauth.AllLevels)
	if err == nil {
		var token string
		if token, err = p.auth.Mint(devauth.Bokbasen, c.ID, flaw); err == nil {
			return token
		}
	}
	p.fails(ctx, string(flaw), err)
	return ""
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
	return promise{status: http.StatusUnauthorized, code: "invalid_token", reason: reason}
}

func lacks(level string) promise {
	return promise{status: http.StatusForbidden, code: "insufficient_scope", scope: level, reason: "insufficient_scope"}
}

func noKeys() promise {
	return promise{status: http.StatusServiceUnavailable, reason: "keys_unavailable"}
}

// differences returns where an answer is not as promised, one line each.
func (p promise) differences(a answer) []string {
	var out []string
	differs := func(what string, want, got any) {
		out = append(out, fmt.Sprintf("%s: promised %v, got %v", what, want, got))
	}
	if a.status != p.status {
		differs("status", p.status, a.status)
	}
	wantChallenges := 0 // where the caller's token is not to blame
	if p.status == http.StatusUnauthorized || p.status == http.StatusForbidden {
		wantChallenges = 1
	}
	if got := len(a.header.Values("WWW-Authenticate")); got != wantChallenges {
		differs("challenges", wantChallenges, got)
	}
	challenge := a.header.Get("WWW-Authenticate")
	if challenge != "" && !strings.HasPrefix(challenge, "Bearer ") {
		differs("challenge", "Bearer", "another scheme")
	}
	if got := param(challenge, "error"); got != p.code {
		differs("error", quoted(p.code), quoted(got))
	}
	if got := param(challenge, "scope"); got != p.scope {
		differs("scope", quoted(p.scope), quoted(got))
	}
	if got := a.header.Get("Retry-After"); (got != "") != (p.status == http.StatusServiceUnavailable) {
		differs("Retry-After", p.status == http.StatusServiceUnavailable, quoted(got))
	}
	var want []string
	if p.reason != "" {
		want = []string{p.reason}
	}
	if !slices.Equal(a.reasons, want) {
		differs("in the log", want, a.reasons)
	}
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

// refusals collects the reasons of refused requests from the API's log: what
// the caller does not learn. It is an slog.Handler.
type refusals struct {
	mu       sync.Mutex
	reasons  []string
	follower func(status int64, reason, pattern string)
}

// take returns the reasons since the last take.
func (r *refusals) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.reasons
	r.reasons = nil
	return taken
}

// follow hands every refusal from now on to f, instead of keeping it.
func (r *refusals) follow(f func(status int64, reason, pattern string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.follower = f
}

// Handle keeps the reason of a refusal. All other records are about keys and
// tokens.
func (r *refusals) Handle(_ context.Context, record slog.Record) error {
	attrs := map[string]slog.Value{}
	record.Attrs(func(a slog.Attr) bool {
		attrs[a.Key] = a.Value
		return true
	})
	reason, refused := attrs["reason"]
	if !refused {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.follower != nil {
		r.follower(attrs["status"].Int64(), reason.String(), attrs["pattern"].String())
	} else {
		r.reasons = append(r.reasons, reason.String())
	}
	return nil
}

// Enabled reports whether the Guard logs refusals at the level.
func (*refusals) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// WithAttrs and WithGroup are not used by the API.
func (r *refusals) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup is as WithAttrs.
func (r *refusals) WithGroup(string) slog.Handler { return r }
