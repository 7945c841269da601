package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/sallyport-go/sallyport/examples/internal/demo"
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

// answer is a response that was read to its end, and what the API's log said.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	reasons []string
}

// request sends a call to the API and holds the answer against what is
// promised. note says what there is to say about an answer as promised.
func (p *play) request(ctx context.Context, c call, want promise, note func(answer) string) answer {
	return p.requestAt(ctx, p.stage.API, c, want, note)
}

func (p *play) requestAt(ctx context.Context, at demo.API, c call, want promise, note func(answer) string) answer {
	p.stage.refusals.take()
	a, err := p.send(ctx, at.URL(), c)
	a.reasons = p.stage.refusals.take()
	if ctx.Err() != nil {
		return a
	}
	p.show(c, a, err, want, note)
	return a
}

// show counts and prints an answer.
func (p *play) show(c call, a answer, err error, want promise, note func(answer) string) {
	differences := want.differences(a)
	if err != nil {
		differences = []string{err.Error()}
	}
	text := ""
	if p.tally.note(differences) && note != nil {
		text = note(a)
	}
	p.screen.answer(len(differences) == 0, a.status, c, text)
	p.screen.headers(a.header)
	p.screen.differences(differences)
}

// send is one request and nothing else.
func (p *play) send(ctx context.Context, base string, c call) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, c.method, base+c.path, strings.NewReader(c.body))
	if err != nil {
		return answer{}, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return p.do(r)
}

func (p *play) do(r *http.Request) (answer, error) {
	res, err := p.client.Do(r)
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
	a, err := p.send(ctx, p.stage.Auth.URL(), c)
	if ctx.Err() == nil {
		p.show(c, a, err, accepted(http.StatusOK), note)
	}
}

// says is a note that does not depend on the answer.
func says(text string) func(answer) string { return func(answer) string { return text } }
