package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
)

func (p *play) okq8(ctx context.Context) {
	p.screen.act("OKQ8", "Entra ID: credentials in a form, levels as roles, RS256")
	p.scheme(ctx, devauth.OKQ8)
}

func (p *play) messaging(ctx context.Context) {
	p.screen.act("A messaging platform", "HTTP Basic, levels as scope, ES256")
	p.scheme(ctx, devauth.Messaging)
}

func (p *play) bokbasen(ctx context.Context) {
	p.screen.act("Bokbasen", "Auth0: credentials in JSON, levels as permissions, RS256")
	p.scheme(ctx, devauth.Bokbasen)
}

// scheme plays what the three clients of a scheme may do.
func (p *play) scheme(ctx context.Context, scheme devauth.Scheme) {
	all := p.token(ctx, scheme, devauth.AllLevels, true)
	as := func(who, token string) func(method, path, body string) call {
		return func(method, path, body string) call { return call{who, method, path, token, body} }
	}
	can := as(devauth.AllLevels, all)
	p.request(ctx, can(http.MethodGet, "/orders", ""), accepted(http.StatusOK), countOrders)
	created := p.request(ctx, can(http.MethodPost, "/orders", `{"item":"tea","quantity":2}`), accepted(http.StatusCreated), orderIs("created"))
	path := "/orders/" + orderID(created)
	p.request(ctx, can(http.MethodPut, path, `{"item":"tea","quantity":3}`), accepted(http.StatusOK), orderIs("changed"))
	p.request(ctx, can(http.MethodDelete, path, ""), accepted(http.StatusNoContent), says("gone"))

	reads := as(devauth.GetOnly, p.token(ctx, scheme, devauth.GetOnly, false))
	p.request(ctx, reads(http.MethodGet, "/orders", ""), accepted(http.StatusOK), countOrders)
	p.request(ctx, reads(http.MethodDelete, "/orders/1", ""), lacks("delete"), says("may only get"))

	may := as(devauth.NoLevel, p.token(ctx, scheme, devauth.NoLevel, false))
	p.request(ctx, may(http.MethodGet, "/orders", ""), lacks("get"), says("a good token that grants nothing"))
}

func countOrders(a answer) string {
	var got struct{ Orders []json.RawMessage }
	if json.Unmarshal(a.body, &got) != nil {
		return ""
	}
	return fmt.Sprintf("%d orders", len(got.Orders))
}

func orderIs(what string) func(answer) string {
	return func(a answer) string { return "order " + orderID(a) + " " + what }
}

func orderID(a answer) string {
	var got struct{ ID string }
	if json.Unmarshal(a.body, &got) != nil || got.ID == "" {
		return "0"
	}
	return got.ID
}
