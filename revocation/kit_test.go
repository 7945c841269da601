package revocation_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/revocation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const issuer = "https://issuer.example/"

var noon = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

// says is what a token says, but for what a test changes; nil removes a claim.
type says map[string]any

func token(tb testing.TB, changes says) *claims.Claims {
	tb.Helper()
	all := map[string]any{"iss": issuer, "sub": "alice", "client_id": "app", "jti": "id-1", "iat": noon.Unix()}
	for name, value := range changes {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	payload, err := json.Marshal(all)
	require.NoError(tb, err)
	c, err := claims.Parse(payload, claims.Mapping{})
	require.NoError(tb, err)
	return c
}

func list(tb testing.TB, cfg revocation.Config, entries ...revocation.Entry) *revocation.List {
	tb.Helper()
	l, err := revocation.New(cfg)
	require.NoError(tb, err)
	require.NoError(tb, l.Deny(tb.Context(), entries...))
	return l
}

// revoked asks a source that must know.
func revoked(tb testing.TB, s revocation.Source, c *claims.Claims) bool {
	tb.Helper()
	is, err := s.Revoked(context.Background(), c)
	require.NoError(tb, err)
	return is
}

// clock is a clock that a test moves.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }
