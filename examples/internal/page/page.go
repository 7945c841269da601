// Package page is the demo's front page: a person picks a scheme and a client,
// gets a token, calls each route and sees the answer and the report on the
// token side by side. Plain HTML and a little script.
//
// It hands out tokens without asking, so it answers on loopback names only, and
// only to its own pages.
package page

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/verifier"
)

//go:embed index.html page.css page.js
var files embed.FS

// Explainer says what it found in a token and what it expected, for any call or
// for one that wants a rule to hold.
type Explainer interface {
	Explain(ctx context.Context, token string) verifier.Report
	ExplainRule(ctx context.Context, token string, rule claims.Rule) verifier.Report
}

type page struct {
	auth    *devauth.Server
	explain Explainer
	rule    func(method, path string) claims.Rule
}

// Handler serves the page, and hands everything else to api. rule returns what
// the API requires of a call.
func Handler(auth *devauth.Server, explain Explainer, rule func(method, path string) claims.Rule, api http.Handler) http.Handler {
	p := &page{auth: auth, explain: explain, rule: rule}
	own := http.NewServeMux()
	own.Handle("GET /{$}", file("index.html"))
	own.Handle("GET /page.css", file("page.css"))
	own.Handle("GET /page.js", file("page.js"))
	own.HandleFunc("GET /try/clients", p.clients)
	own.HandleFunc("POST /try/token", p.token)
	own.HandleFunc("POST /try/explain", p.report)
	guarded := devauth.OwnPagesOnly(own)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := own.Handler(r); pattern != "" {
			guarded.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

func file(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeFileFS(w, r, files, name)
	})
}

func (p *page) clients(w http.ResponseWriter, _ *http.Request) {
	type client struct { // a caller that can be picked
		Scheme devauth.Scheme `json:"scheme"`
		Name   string         `json:"name"`
		ID     string         `json:"id"`
		Levels []string       `json:"levels"`
		Curl   string         `json:"curl"`
	}
	var out []client
	clients := p.auth.Clients()
	for i := range clients {
		c := &clients[i]
		out = append(out, client{c.Scheme, c.Name, c.ID, c.Levels, p.auth.TokenRequest(*c).Curl()})
	}
	answer(w, http.StatusOK, out)
}

// token mints what was picked: a good token, or one with a flaw.
func (p *page) token(w http.ResponseWriter, r *http.Request) {
	var picked struct {
		Scheme devauth.Scheme `json:"scheme"`
		Client string         `json:"client"`
		Flaw   devauth.Flaw   `json:"flaw"`
	}
	if !read(w, r, &picked) {
		return
	}
	token, err := p.auth.Mint(picked.Scheme, picked.Client, picked.Flaw)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	answer(w, http.StatusOK, map[string]string{"token": token})
}

// report explains a token, and what it lacks for a call.
func (p *page) report(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Token  string `json:"token"`
		Method string `json:"method"` // of a call, "" for the token alone
		Path   string `json:"path"`
	}
	if !read(w, r, &asked) {
		return
	}
	report := p.explain.Explain(r.Context(), asked.Token)
	if asked.Method != "" {
		report = p.explain.ExplainRule(r.Context(), asked.Token, p.rule(asked.Method, asked.Path))
	}
	answer(w, http.StatusOK, report)
}

const maxBody = 64 << 10

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		fail(w, http.StatusRequestEntityTooLarge, err)
	case err != nil:
		fail(w, http.StatusBadRequest, errors.New("the body must be a JSON object"))
	}
	return err == nil
}

func fail(w http.ResponseWriter, status int, err error) {
	answer(w, status, map[string]string{"error": err.Error()})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the reader is gone, if anything
}
