package connectauth_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/emptypb"

	"github.com/sallyport-go/sallyport/adapters/connectauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// orders is the descriptor of a service, as generated code has it.
func orders(t *testing.T) protoreflect.ServiceDescriptor {
	t.Helper()
	method := func(name string) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{Name: proto.String(name), InputType: proto.String(".google.protobuf.Empty"), OutputType: proto.String(".google.protobuf.Empty")}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("orders/v1/orders.proto"), Package: proto.String("orders.v1"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/empty.proto"},
		Service: []*descriptorpb.ServiceDescriptorProto{
			{Name: proto.String("Orders"), Method: []*descriptorpb.MethodDescriptorProto{method("List"), method("Create"), method("Watch")}},
		},
	}, protoregistry.GlobalFiles)
	require.NoError(t, err)
	return file.Services().ByName("Orders")
}

func TestTheAuditListsEveryProcedure(t *testing.T) {
	t.Parallel()
	h := enforced(t, open(t, middleware.Config{}, newIssuer(t)), table(), service())
	procedures := append(connectauth.Procedures(orders(t)), healthProcedure, healthProcedure)
	report, err := connectauth.Audit(h, procedures...)
	require.NoError(t, err)
	assert.Equal(t, `POST  /grpc.health.v1.Health/Check  -> open to everybody
POST  /orders.v1.Orders/Create      -> all scopes orders.write
POST  /orders.v1.Orders/List        -> all scopes orders.read
POST  /orders.v1.Orders/Watch       -> all scopes orders.read
`, report.String())
}

func TestTheAuditFailsOn(t *testing.T) {
	t.Parallel()
	guard := open(t, middleware.Config{}, newIssuer(t))
	shadow := open(t, middleware.Config{Shadow: true}, newIssuer(t))
	all := []string{listProcedure, createProcedure, healthProcedure}
	for _, row := range []struct {
		name       string
		guard      connectauth.Guard
		procedures []string
		mistake    string
	}{
		{"a procedure without an entry", guard, append(all, adminProcedure), "audit: no rule protects POST /orders.v1.Admin/Forgotten (it requires nobody, for no entry of the policy names it)"},
		{"an entry without a procedure", guard, []string{listProcedure, healthProcedure}, `audit: the entry "/orders.v1.Orders/Create" of the policy names no procedure`},
		{"a service's entry without a procedure of its own", guard, []string{createProcedure, healthProcedure}, `audit: the entry "/orders.v1.Orders/*" of the policy names no procedure`},
		{"an exemption without a procedure", guard, []string{listProcedure, createProcedure}, `audit: the entry "/grpc.health.v1.Health/Check" of the policy names no procedure`},
		{"a service instead of a procedure", guard, append(all, "/orders.v1.Orders/*"), `audit: "/orders.v1.Orders/*" is no procedure`},
		{"a pattern instead of a procedure", guard, append(all, "POST "+listProcedure), `audit: "POST /orders.v1.Orders/List" is no procedure`},
		{"no procedures", guard, nil, "connectauth: Audit: no procedures"},
		{"a Guard that does not say what it wants", silent{guard}, []string{listProcedure}, "audit: no rule protects POST /orders.v1.Orders/List (it requires what a Guard wants that does not say so)"},
		{"shadow mode", shadow, all, "audit: no rule protects POST /orders.v1.Orders/List (it requires nothing, for the Guard is in shadow mode)"},
		{"shadow mode, without an entry", shadow, append(all, adminProcedure), "audit: no rule protects POST /orders.v1.Admin/Forgotten (it requires nothing, for the Guard is in shadow mode)"},
	} {
		_, err := connectauth.Audit(enforced(t, row.guard, table(), service()), row.procedures...)
		assert.ErrorContains(t, err, row.mistake, row.name)
	}
	_, err := connectauth.Audit(service(), all...)
	assert.EqualError(t, err, "connectauth: Audit: *http.ServeMux is no handler of Enforce")
}

func TestAForgottenProcedureIsInTheReport(t *testing.T) {
	t.Parallel()
	report, err := connectauth.Audit(enforced(t, open(t, middleware.Config{}, newIssuer(t)), table(), service()), adminProcedure)
	require.Error(t, err)
	assert.Equal(t, "POST  /orders.v1.Admin/Forgotten  -> FORGOTTEN: nobody, for no entry of the policy names it\n", report.String())
}

// silent is a Guard whose handlers do not say what they require.
type silent struct{ connectauth.Guard }

func (s silent) Require(rule claims.Rule) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		h := s.Guard.Require(rule)(next)
		return http.HandlerFunc(h.ServeHTTP)
	}
}
