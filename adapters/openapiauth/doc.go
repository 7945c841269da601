// Package openapiauth keeps the security of an OpenAPI document and the rules of
// an API the same, both ways.
//
// From the rules to the document: [Describe] makes the security of a document
// from the rules of a router, [Apply] writes it into a document that there is, and
// [Compare] is for a test that document and rules agree, route by route:
//
//	policy := openapiauth.Policy{Rules: rules, Exempt: []string{"GET /healthz"}} // the maps that ginauth.Enforce or chiauth.Enforce gets
//	if err := openapiauth.Compare(doc, policy); err != nil {
//		t.Error(err) // GET /orders: the document asks for orders.write, the rules for orders.read
//	}
//
// From the document to the Guard: [Protect] is middleware that asks a Guard for
// what the document says of each operation, and [AuthenticationFunc] does so
// within the request validation of kin-openapi, and of oapi-codegen, which uses
// it.
//
// Use Protect in front of the validation. On its own the AuthenticationFunc is
// asked too late: ValidateRequest of kin-openapi reads the whole body of a request
// into memory before it asks who calls, so that a caller without a token decides
// how much memory the process needs.
//
// A document can say which scopes an operation asks for, and nothing of roles,
// callers or parameters. What it does not say, Compare does not compare.
package openapiauth
