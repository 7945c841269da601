// Package ginauth is a Guard's face for Gin.
//
//	gate, err := sallyport.New("https://issuer.example/", "api://orders")
//	...
//	r.GET("/orders", ginauth.Require(gate, claims.AllScopes("orders.read")), list)
//
// It owns no policy: every handler here is the Guard's own net/http handler,
// led through Gin, and so statuses, challenges and bodies are those of net/http
// byte for byte. After a denial Gin's chain is aborted and the answer is on its
// way, whatever handlers in front of it do later. That holds too if a hook of
// yours panics inside the Guard and a Recovery in front goes on.
//
// # Order
//
// Gin copies a chain of handlers when a route is registered. What Use adds
// later protects only the routes that come later, and what stands in front of
// a door runs for everybody. [Audit] finds the routes that were forgotten; run
// it in a test.
//
// Handlers that change c.Request.Method or call Engine.HandleContext belong
// behind the doors, or must abort: Gin has chosen the route before they run, and
// does not choose again.
//
// # Claims
//
// [Claims] finds the verified claims, and so does claims.FromContext with
// c.Request.Context(). With c itself as the context it finds them only if
// Engine.ContextWithFallback is set: without it a [gin.Context] does not ask its
// request. A goroutine that outlives the request keeps c.Request.Context() or
// c.Copy(), never c.
//
// # What Gin answers by itself
//
// Redirects to a path with or without its last slash (RedirectTrailingSlash, on
// by default) and to a cleaned path (RedirectFixedPath) are written before any
// handler runs. They open nothing, but tell everybody that a route exists. Turn
// them off where that matters. A 404 and a 405 go through the handlers of
// Engine.Use, so a door there denies them, without the Allow header of the 405.
package ginauth
