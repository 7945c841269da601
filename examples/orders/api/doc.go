// Package api is the demo API: orders in memory, guarded by access levels.
//
//	GET    /orders       200  level get
//	POST   /orders       201  level post
//	PUT    /orders/{id}  200  level put
//	DELETE /orders/{id}  204  level delete
//	GET    /whoami       200  any valid token
//	GET    /keys         200  open: how the issuers' keys are doing
//	GET    /healthz      200  open: the process is alive
//
// The resource of the levels is the audience: a token holds the level get by
// "get" or by "<audience>/get" in scope, scp or permissions, or in roles if an
// app calls.
package api
