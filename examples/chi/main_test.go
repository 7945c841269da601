package main

import (
	"testing"

	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { testkit.Main(m, main) }

func TestItListensWhereTheFlagSays(t *testing.T) {
	t.Parallel()
	testkit.AssertServesOrders(t)
}

func TestRoutesAreGuarded(t *testing.T) {
	t.Parallel()
	gate, issuer := testkit.Gate(t)
	api := routes(gate)
	testkit.AssertOrdersAreGuarded(t, api, issuer)
	report, err := chiauth.Audit(api, "GET /healthz")
	require.NoError(t, err, "a route was forgotten: %v", report)
}
