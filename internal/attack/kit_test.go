package attack_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/attack"
	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

const audience = "api://orders"

// api is a small API with a strict verifier, and whatever else opens it.
type api struct {
	*httptest.Server
	issuer string
	alg    string
	opens  func(a *api, call *call) bool                           // what the strict verifier refuses
	spoils func(w http.ResponseWriter, call *call, good bool) bool // answers instead

	ready    chan struct{} // closed when the issuer is known
	once     sync.Once
	set      []byte
	verifier *verifier.Verifier

	mu   sync.Mutex
	seen map[string]bool
}

// call is a request, and why the strict verifier refuses it.
type call struct {
	*http.Request
	token   string // of a well-formed Authorization header, "" for none
	refused reason.Code
	header  map[string]any
	claims  map[string]any
	parts   []string
}

func newAPI(t *testing.T, alg string) *api {
	t.Helper()
	a := &api{alg: alg, ready: make(chan struct{}), seen: map[string]bool{}}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

// trusts tells the API its issuer.
func (a *api) trusts(issuer string) {
	a.issuer = issuer
	close(a.ready)
}

// fetch gets the keys once: a strict verifier with fixed keys never waits for others.
func (a *api) fetch() {
	<-a.ready
	resp := must(http.Get(a.issuer + "/jwks"))
	defer resp.Body.Close()
	a.set = must(io.ReadAll(resp.Body))
	a.verifier = a.verifierOf(0)
}

func (a *api) verifierOf(most int) *verifier.Verifier {
	return must(verifier.New(verifier.Config{MaxTokenBytes: most, Issuers: []verifier.Issuer{{
		Name: a.issuer, Audiences: []string{audience}, Keys: must(jwks.ParseStatic(a.set)), Algorithms: []string{a.alg},
	}}}))
}

// verify returns the reason of a refusal, "" of a good token.
func (a *api) verify(token string) reason.Code { return why(a.verifier, token) }

func why(v *verifier.Verifier, token string) reason.Code {
	_, err := v.Verify(context.Background(), token)
	var refused *verifier.Error
	switch {
	case errors.As(err, &refused):
		return refused.Reason
	case err != nil:
		return "another error"
	}
	return ""
}

// ServeHTTP implements [http.Handler].
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.once.Do(a.fetch)
	c := a.read(r)
	here := r.URL.Path == "/orders" && r.URL.RawPath == "" && r.Method == http.MethodGet
	if c.refused == "" {
		a.mu.Lock()
		a.seen[r.RemoteAddr] = true
		a.mu.Unlock()
	}
	good := here && c.refused == "" || a.opens != nil && c.refused != "" && a.opens(a, c)
	switch {
	case a.spoils != nil && a.spoils(w, c, good):
	case good:
		fmt.Fprintln(w, "two orders")
	case !here:
		http.NotFound(w, r)
	default:
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "no", http.StatusUnauthorized)
	}
}

// read returns the call of a request, judged strictly.
func (a *api) read(r *http.Request) *call {
	c := &call{Request: r, refused: reason.NoToken}
	lines := r.Header["Authorization"]
	if len(lines) != 1 {
		return c
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " ,\t") {
		return c
	}
	c.token, c.refused = token, a.verify(token)
	c.parts = strings.Split(token, ".")
	c.header, c.claims = members(c.parts[0]), map[string]any{}
	if len(c.parts) > 1 {
		c.claims = members(c.parts[1])
	}
	return c
}

// members decodes leniently.
func members(part string) map[string]any {
	text, _ := base64.RawURLEncoding.DecodeString(part)
	out := map[string]any{}
	_ = json.Unmarshal(text, &out)
	return out
}

func text(part string) string {
	plain, _ := base64.RawURLEncoding.DecodeString(part)
	return string(plain)
}

// attacked runs an attack on the API.
func (a *api) attacked(t *testing.T, change ...func(*attack.Config)) (*attack.Report, error) {
	t.Helper()
	cfg := attack.Config{URL: a.URL + "/orders", Audience: audience, Alg: a.alg, Started: a.trusts, Rate: 1000}
	for _, c := range change {
		c(&cfg)
	}
	return attack.Run(t.Context(), cfg)
}

// found returns the names of the findings.
func found(t *testing.T, r *attack.Report, err error) []string {
	t.Helper()
	require.NoError(t, err)
	names := []string{}
	for i := range r.Findings {
		names = append(names, r.Findings[i].Name)
	}
	slices.Sort(names)
	return names
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type keyText struct{ kid, set string }

// eachKey returns each usable key of a set as a set of its own.
func eachKey(body []byte) (out []keyText) {
	var set struct{ Keys []json.RawMessage }
	_ = json.Unmarshal(body, &set)
	for _, raw := range set.Keys {
		var k struct{ Kid, Kty, Use string }
		if json.Unmarshal(raw, &k) == nil && k.Kty == "OKP" {
			out = append(out, keyText{k.Kid, `{"keys":[` + string(raw) + `]}`})
		}
	}
	return out
}

// weakness is one check that an API leaves out.
type weakness struct {
	name   string
	alg    string // "" is EdDSA
	opens  func(a *api, c *call) bool
	spoils func(w http.ResponseWriter, c *call, good bool) bool
	want   string // what the findings are called, every one
	least  int    // so many
	level  forgeries.Level
}

// decodes reports whether all parts are base64url.
func decodes(c *call) bool {
	return !slices.ContainsFunc(c.parts, func(part string) bool { return !strict64(part) })
}
