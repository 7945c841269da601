package attack_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/internal/attack"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/verifier"
)

// follower is an API that fetches keys when it does not know one, and what it does wrong.
type follower struct {
	*httptest.Server
	issuer string

	never  bool // fetches a second time
	always bool // fetches, for each call
	adds   bool // new keys to those that it has, for ever
	open   bool // to all when a fetch fails
	breaks bool // for ever when a fetch fails

	mu     sync.Mutex
	broken bool
	keys   map[string]string // by kid
}

func newFollower(t *testing.T, f *follower) *follower {
	t.Helper()
	f.keys = map[string]string{}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// ServeHTTP implements [http.Handler].
func (f *follower) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	kid, _ := members(strings.Split(token, ".")[0])["kid"].(string)
	f.mu.Lock()
	known, some := f.keys[kid] != "", len(f.keys) > 0
	f.mu.Unlock()
	var failed error
	if f.always || !known && (!f.never || !some) {
		failed = f.fetch(r.Context())
	}
	f.mu.Lock()
	f.broken = f.broken || f.breaks && failed != nil
	key, broken := f.keys[kid], f.broken
	f.mu.Unlock()
	switch {
	case failed != nil && f.open:
	case broken || key == "" || (f.always && failed != nil) || why(f.verifier(key), token) != "":
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func (f *follower) verifier(key string) *verifier.Verifier {
	return must(verifier.New(verifier.Config{Issuers: []verifier.Issuer{{
		Name: f.issuer, Audiences: []string{audience}, Keys: must(jwks.ParseStatic([]byte(key))), Algorithms: []string{"EdDSA"},
	}}}))
}

func (f *follower) fetch(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	resp, err := http.DefaultClient.Do(must(http.NewRequestWithContext(bounded, http.MethodGet, f.issuer+"/jwks", nil)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	fetched := map[string]string{}
	for _, one := range eachKey(body) {
		fetched[one.kid] = one.set
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(fetched) == 0 {
		return errors.New("no keys")
	}
	if f.adds {
		for kid, set := range f.keys {
			fetched[kid] = set
		}
	}
	f.keys = fetched
	return nil
}

func (f *follower) attacked(t *testing.T, recovery time.Duration) (*attack.Report, error) {
	t.Helper()
	return attack.Run(t.Context(), attack.Config{
		URL: f.URL + "/orders", Audience: audience, Alg: "EdDSA", Faults: true, Only: []string{"faults"}, Recovery: recovery,
		Started: func(issuer string) { f.issuer = issuer },
	})
}
