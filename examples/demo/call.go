package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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

// outcome is what is documented, and checked, of the answer to a call.
type outcome struct {
	status    int
	challenge string // WWW-Authenticate (RFC 6750 section 3), where the token is to blame
	retry     bool   // there is a Retry-After
	reasons   string // in the API's log, if the call is not let through
}

const realm = `Bearer realm="orders"`

func accepted(status int) outcome { return outcome{status: status} }

func noToken() outcome { return outcome{http.StatusUnauthorized, realm, false, "no_token"} }

func badToken(reason string) outcome {
	return outcome{http.StatusUnauthorized, realm + `, error="invalid_token"`, false, reason}
}

func lacks(level string) outcome {
	return outcome{http.StatusForbidden, realm + `, error="insufficient_scope", scope="` + level + `"`, false, "insufficient_scope"}
}

func noKeys() outcome { return outcome{http.StatusServiceUnavailable, "", true, "keys_unavailable"} }

func (o outcome) String() string {
	text := fmt.Sprint(o.status)
	if o.challenge != "" {
		text += " " + o.challenge
	}
	if o.retry {
		text += " with Retry-After"
	}
	if o.reasons != "" {
		text += ", log: " + o.reasons
	}
	return text
}

// answer is a response that was read to its end.
type answer struct {
	outcome
	header http.Header
	body   []byte
}

// request sends a call to the server at base, compares the answer with the
// promise and prints both. note goes with an answer as promised; without one,
// that is how the answer begins.
func (p *play) request(ctx context.Context, base string, c call, want outcome, note string) answer {
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

// show judges and prints an answer, unless it was cut off by ctx.
func (p *play) show(ctx context.Context, c call, a answer, err error, want outcome, note string) {
	if ctx.Err() != nil {
		return
	}
	wrong := p.judge(a, err, want)
	if note == "" {
		note = string(a.body[:min(len(a.body), 60)])
	}
	p.screen.answer(c, a, strings.TrimSpace(note), wrong)
}

// judge counts an answer and returns how it is not as promised, "" if it is.
func (p *play) judge(a answer, err error, want outcome) string {
	if err == nil && a.outcome == want {
		p.kept.Add(1)
		return ""
	}
	p.broken.Add(1)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("promised %v, got %v", want, a.outcome)
}

// send is one request and nothing else.
func (p *play) send(ctx context.Context, base string, c call) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, c.method, base+c.path, strings.NewReader(c.body))
	if err == nil && c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return p.do(r, err)
}

// do sends the request that was made, if it was.
func (p *play) do(r *http.Request, err error) (answer, error) { return doBy(p.client, r, err) }

func doBy(client *http.Client, r *http.Request, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	res, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return answer{}, fmt.Errorf("the answer broke off: %w", err)
	}
	challenge := strings.Join(res.Header.Values("WWW-Authenticate"), ", ")
	return answer{outcome{res.StatusCode, challenge, res.Header.Get("Retry-After") != "", ""}, res.Header, body}, nil
}

// lifetimes are the documented expires_in, in seconds. Bokbasen hands out the
// same token again until less than ten minutes are left.
var lifetimes = map[devauth.Scheme]struct{ least, most int }{
	devauth.OKQ8: {3599, 3599}, devauth.Messaging: {3600, 3600}, devauth.Bokbasen: {600, 86400},
}

// token gets one by the scheme's documented request, which it prints first if
// it is to be shown.
func (p *play) token(ctx context.Context, scheme devauth.Scheme, name string, show bool) string {
	c, err := p.auth.Client(scheme, name)
	if err != nil { // cannot happen: the names are devauth's own
		panic(err)
	}
	request := p.auth.TokenRequest(c)
	if show {
		c.Secret = hidden
		p.screen.curl(p.auth.TokenRequest(c))
	}
	var got struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	a, err := p.do(request.Request(ctx))
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

// refusal is a record of the API's log: what the caller does not learn.
type refusal struct {
	Status          int
	Reason, Pattern string
}

// refusals collects the reasons of refused requests from the API's log in JSON,
// which is written to it line by line.
type refusals struct {
	mu      sync.Mutex
	reasons []string
	follow  func(refusal) // nil until set
}

// setFollow hands every refusal from now on to f, instead of keeping it.
func (r *refusals) setFollow(f func(refusal)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.follow = f
}

// take returns the reasons since the last take.
func (r *refusals) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := strings.Join(r.reasons, ", ")
	r.reasons = nil
	return taken
}

// Write keeps the reason of a refusal. All other records are about keys and
// tokens.
func (r *refusals) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var record refusal
	switch err := json.Unmarshal(line, &record); {
	case err != nil || record.Reason == "": // some record's members are of other types
	case r.follow != nil:
		r.follow(record)
	default:
		r.reasons = append(r.reasons, record.Reason)
	}
	return len(line), nil
}
