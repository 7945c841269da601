// Package adapters_test holds what every framework must answer alike.
package adapters_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/reason"
)

// row is one request and its answer. Its name begins with the number of the
// requirement that it tests, where it has one.
type row struct {
	name    string
	gate    string // "" is "plain"
	method  string // "" is GET
	target  string // "" is /orders
	token   string // sent as a bearer token, unless header says more
	header  []string
	body    string
	wirings []string // nil is both

	status    int
	challenge string // without the realm, which every challenge has
	reason    reason.Code
	outcome   string // "" follows from the reason
	answer    string // "" is not looked at
}

// refusals of one kind.
func (r row) invalidToken(why reason.Code) row {
	r.status, r.challenge, r.reason = 401, `error="invalid_token"`, why
	return r
}

func (r row) noToken(why reason.Code) row {
	r.status, r.challenge, r.reason = 401, "", why
	return r
}

func (r row) invalidRequest() row {
	r.status, r.challenge, r.reason = 400, `error="invalid_request"`, reason.InvalidRequest
	return r
}

func (r row) forbidden(why reason.Code, scope string) row {
	r.status, r.challenge, r.reason = 403, `error="insufficient_scope"`, why
	if scope != "" {
		r.challenge += `, scope="` + scope + `"`
	}
	return r
}

func (r row) unavailable(why reason.Code) row {
	r.status, r.challenge, r.reason = 503, "", why
	return r
}

func (r row) accepted(answer string) row {
	r.status, r.answer, r.outcome = 200, answer, "verified"
	return r
}

// request is the row as bytes; id lets the Guard's events be told apart.
func (r row) request(id string) string {
	method, target := r.method, r.target
	if method == "" {
		method = "GET"
	}
	if target == "" {
		target = "/orders"
	}
	var b strings.Builder
	b.WriteString(method + " " + target + " HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\nX-Row: " + id + "\r\n")
	if r.token != "" {
		b.WriteString("Authorization: Bearer " + r.token + "\r\n")
	}
	for _, line := range r.header {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n" + r.body)
	return b.String()
}

// Every row, in every wiring, gets the same bytes from every framework, and they are the right ones.
func TestConformance(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rows := slices.Concat(f.bearerRows(), f.joseRows(t), f.claimRows(), f.profileRows(), f.accessRows(), f.outageRows(), f.shapeRows())
	t.Cleanup(func() { f.settle(t, rows) })
	names := map[string]bool{}
	for _, r := range rows {
		require.False(t, names[r.name], "two rows are called %q", r.name)
		names[r.name] = true
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			wirings := r.wirings
			if wirings == nil {
				wirings = []string{"routes", "table"}
			}
			for _, wiring := range wirings {
				f.check(t, r, wiring)
			}
		})
	}
}

// settle asks what holds when all rows are through.
func (f *fixture) settle(t *testing.T, rows []row) {
	t.Helper()
	assert.Zero(t, f.issuer.Strays()+f.other.Strays()+f.down.Strays()+f.hanging.Strays(),
		"row 29: something else than keys and discovery was fetched")
	log := f.log.String()
	assert.Contains(t, log, "reason=bad_signature", "the Guards have logged")
	for i := range rows {
		for _, part := range strings.Split(rows[i].token, ".") {
			if len(part) > 30 {
				assert.NotContains(t, log, part, "row 14, %s: the token is in the log", rows[i].name)
			}
		}
	}
}

func (f *fixture) check(t *testing.T, r row, wiring string) {
	t.Helper()
	gate := r.gate
	if gate == "" {
		gate = "plain"
	}
	var first message
	for i, fw := range frameworks {
		id := strings.Join([]string{r.name, wiring, fw.name}, "/")
		got := exchange(t, f.servers[site{gate, wiring, fw.name}], r.request(id))
		if i > 0 {
			assert.Equal(t, first, got, "%s, %s: not what net/http answers", wiring, fw.name)
			assert.Equal(t, r.outcomes(), f.decisions.of(id), "%s, %s", wiring, fw.name)
			continue
		}
		first = got
		require.Equal(t, statusLine(r.status), got.statusLine, "%s: %v", wiring, f.decisions.of(id))
		assert.Equal(t, r.outcomes(), f.decisions.of(id), wiring)
		r.judge(t, got)
	}
}

func (r row) outcomes() []string {
	switch {
	case r.outcome == "none":
		return nil
	case r.outcome != "" && r.reason != "":
		return []string{r.outcome + " " + string(r.reason)}
	case r.outcome != "":
		return []string{r.outcome}
	default:
		return []string{"refused " + string(r.reason)}
	}
}

func (r row) judge(t *testing.T, got message) {
	t.Helper()
	obeysRFC6750(t, got)
	if r.status >= 400 && r.status < 500 {
		want := `Bearer realm="orders"`
		if r.challenge != "" {
			want += ", " + r.challenge
		}
		assert.Equal(t, []string{want}, got.header["Www-Authenticate"])
	}
	if r.answer != "" {
		assert.Equal(t, r.answer, got.body)
	}
	if r.method == "HEAD" {
		assert.Empty(t, got.body)
	}
	for _, part := range strings.Split(r.token, ".") {
		if len(part) > 30 {
			assert.NotContains(t, got.body, part, "row 14: the token is in the answer")
		}
	}
}
