package main

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/connectauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/examples/internal/trust"
)

// The procedures, which generated code has as constants.
const (
	listProcedure   = "/orders.v1.Orders/List"
	createProcedure = "/orders.v1.Orders/Create"
	watchProcedure  = "/orders.v1.Orders/Watch"
)

const (
	watchEvery = 200 * time.Millisecond
	maxOrders  = 1000
)

func openGate(cfg config, log *slog.Logger) (*sallyport.Gate, error) {
	return sallyport.Open(sallyport.Config{Providers: trust.Providers(cfg.issuers, ""), Logger: log})
}

// newAPI returns the service behind its rules. A procedure without one is refused.
func newAPI(gate *sallyport.Gate, cfg config) (http.Handler, error) {
	levels := claims.AccessLevels{Resources: trust.Audiences(cfg.issuers)}
	enforce, err := connectauth.Enforce(gate, connectauth.Policy{
		Rules: map[string]claims.Rule{
			listProcedure:   levels.Require(claims.LevelGet),
			watchProcedure:  levels.Require(claims.LevelGet),
			createProcedure: levels.Require(claims.LevelPost),
		},
		EndAtExpiry: cfg.endAtExpiry,
	})
	if err != nil {
		return nil, err
	}
	return enforce(new(orders).routes(connect.WithInterceptors(connectauth.ExpiryInterceptor(gate)))), nil
}

// orders is the service. It knows nothing of tokens: a call that arrives here may do
// this.
type orders struct {
	mu  sync.Mutex
	all []any // the latest, by number
	n   int
}

type (
	empty  = connect.Request[emptypb.Empty]
	answer = connect.Response[structpb.Struct]
)

func (o *orders) routes(options ...connect.HandlerOption) *http.ServeMux {
	mux := http.NewServeMux()
	options = append(options, connect.WithReadMaxBytes(1<<20))
	mux.Handle(listProcedure, connect.NewUnaryHandler(listProcedure, o.list, options...))
	mux.Handle(createProcedure, connect.NewUnaryHandler(createProcedure, o.create, options...))
	mux.Handle(watchProcedure, connect.NewServerStreamHandler(watchProcedure, o.watch, options...))
	return mux
}

func (o *orders) list(ctx context.Context, _ *empty) (*answer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return respond(ctx, map[string]any{"orders": append([]any{}, o.all...)})
}

func (o *orders) create(ctx context.Context, _ *empty) (*answer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	if len(o.all) == maxOrders {
		o.all = o.all[1:]
	}
	o.all = append(o.all, strconv.Itoa(o.n))
	return respond(ctx, map[string]any{})
}

// watch sends until the caller goes, or its token ends.
func (o *orders) watch(ctx context.Context, _ *empty, stream *connect.ServerStream[structpb.Struct]) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		message, err := say(ctx, map[string]any{})
		if err != nil {
			return err
		}
		if err := stream.Send(message); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func respond(ctx context.Context, members map[string]any) (*answer, error) {
	message, err := say(ctx, members)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(message), nil
}

// say returns a message with the client that calls.
func say(ctx context.Context, members map[string]any) (*structpb.Struct, error) {
	c, _ := claims.FromContext(ctx) // the rules see to it that they are there
	members["client_id"] = c.ClientID()
	return structpb.NewStruct(members)
}
