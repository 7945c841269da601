package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { testkit.Main(m, main) }

func TestItIsNoLongerThanPromised(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	assert.LessOrEqual(t, bytes.Count(source, []byte("\n")), 30)
}

func TestItProtectsItsRoute(t *testing.T) {
	t.Parallel()
	issuer := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.Claims{"client_id": "partner", "scope": "orders.read"})
	addr := testkit.StartedAPI(t, issuer)
	for _, row := range []struct {
		name, token string
		status      int
		body        string
	}{
		{"a token with the scope", issuer.Token(), 200, "orders for partner\n"},
		{"a token without it", issuer.Token(jwkstest.Claims{"scope": "orders.write"}), 403, ""},
		{"a token for another API", issuer.Token(jwkstest.WithAudience("api://other")), 401, ""},
		{"no token", "", 401, ""},
	} {
		a := testkit.Get(t, "http://"+addr+"/orders", row.token)
		assert.Equal(t, row.status, a.Status, row.name)
		assert.Contains(t, a.Body, row.body, row.name)
	}
}

func TestWithoutIssuerAndAudienceItSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	cmd, log := testkit.Program(t), &testkit.Buffer{}
	cmd.Env, cmd.Stderr = append(cmd.Env, "ISSUER=", "AUDIENCE="), log
	assert.Error(t, cmd.Run())
	assert.Regexp(t, "(?is)issuer.*audience", log.String())
}
