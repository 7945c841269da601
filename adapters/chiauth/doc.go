// Package chiauth adds to a Guard what Chi knows of its routes.
//
// Most programs do not need it. Chi's handlers and middlewares are those of
// net/http, so a Guard fits as it is, and claims are in the request's context:
//
//	r := chi.NewRouter()
//	r.With(gate.Require(claims.AllScopes("orders.read"))).Get("/orders", list)
//	r.Group(func(r chi.Router) {
//		r.Use(gate.Require(claims.AnyRole("Orders.Admin")))
//		r.Delete("/orders/{id}", remove)
//	})
//
// What is here is for those who want one table of all rules at the root, in the
// words of Chi's own patterns ([Enforce]), and a test that fails on a forgotten
// route ([Audit]), which understands the Guard's middleware too.
//
// # Middleware of the root runs before routing
//
// A middleware that stands in Use of the root router sees a request before its
// route is known: r.Pattern and RouteContext(ctx).RoutePattern are still empty.
// [Enforce] therefore asks the router which route it will choose. What changes
// path or method (StripSlashes, CleanPath, GetHead, URLFormat) must stand in
// front of it, and not inside of a sub-router, where it would make Chi choose
// another route than the one that was asked about. A rule that must not depend
// on such an order belongs to the route itself, in With or Group.
package chiauth
