package grpcauth_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/sallyport-go/sallyport/adapters/grpcauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func services(t *testing.T) map[string]grpc.ServiceInfo {
	t.Helper()
	server := grpc.NewServer()
	server.RegisterService((&orders{}).desc("orders.v1.Orders"), nil)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	t.Cleanup(server.Stop)
	return server.GetServiceInfo()
}

func TestTheAuditTellsWhatEveryMethodRequires(t *testing.T) {
	t.Parallel()
	levels := claims.AccessLevels{Resources: []string{audience}}
	auth := newAuth(t, gateOf(t, middleware.Config{}, issuerOf(t)), grpcauth.Policy{
		Rules: map[string]claims.Rule{
			list:                       levels.Require(claims.LevelGet),
			create:                     {},
			load:                       claims.AnyToken(),
			chat:                       writes,
			"/orders.v1.Orders/Lists":  reads, // misspelt
			"/orders.v1.Invoices/*":    reads,
			"/grpc.health.v1.Health/*": reads,
		},
		Exempt: []string{grpc_health_v1.Health_Check_FullMethodName, "/grpc.reflection.v1.ServerReflection/*"},
	})
	report, err := auth.Audit(services(t))
	assert.Equal(t, strings.TrimLeft(`
POST  /grpc.health.v1.Health/Check  -> open to everybody
POST  /grpc.health.v1.Health/List   -> all scopes orders.read
POST  /grpc.health.v1.Health/Watch  -> all scopes orders.read
POST  /orders.v1.Orders/Chat        -> all scopes orders.read, orders.write
POST  /orders.v1.Orders/Create      -> nobody
POST  /orders.v1.Orders/List        -> access level get of api://orders
POST  /orders.v1.Orders/Load        -> any verified token
POST  /orders.v1.Orders/Watch       -> FORGOTTEN: nobody, for no entry of the policy names it
`, "\n"), report.String())
	assert.EqualError(t, err, strings.Join([]string{
		"audit: no rule protects POST /orders.v1.Orders/Watch (it requires nobody, for no entry of the policy names it)",
		`audit: the entry "/grpc.reflection.v1.ServerReflection/*" of the policy names no method`,
		`audit: the entry "/orders.v1.Invoices/*" of the policy names no method`,
		`audit: the entry "/orders.v1.Orders/Lists" of the policy names no method`,
	}, "\n"))
}

func TestTheAuditIsContentWhenEveryMethodIsNamed(t *testing.T) {
	t.Parallel()
	p := policy()
	p.Exempt = []string{"/grpc.health.v1.Health/*"}
	report, err := newAuth(t, gateOf(t, middleware.Config{}, issuerOf(t)), p).Audit(services(t))
	assert.NoError(t, err)
	assert.Len(t, report, 8)
}

func TestTheAuditDoesNotLetShadowModePass(t *testing.T) {
	t.Parallel()
	p := policy()
	p.Exempt = []string{"/grpc.health.v1.Health/*"}
	delete(p.Rules, create)
	_, err := newAuth(t, gateOf(t, middleware.Config{Shadow: true}, issuerOf(t)), p).Audit(services(t))
	for _, method := range []string{list, create} { // with an entry and without
		assert.ErrorContains(t, err, "audit: no rule protects POST "+method+" (it requires nothing, for the Guard is in shadow mode)")
	}
	_, err = new(grpcauth.Interceptor).Audit(services(t))
	assert.ErrorContains(t, err, "no rule protects POST "+list)
}
