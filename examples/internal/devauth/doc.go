// Package devauth is an authorization server for development: it speaks the
// token requests of three real-world APIs, issues tokens of the documented
// shapes and lets a demo or a test rotate its keys and take it down.
//
// The three schemes, each an issuer of its own with its own keys:
//
//	okq8       POST /{tenant}/oauth2/v2.0/token   form; Entra ID v1.0 tokens, RS256
//	messaging  POST /oauth/v2/token               HTTP Basic; RFC 9068 tokens, ES256
//	bokbasen   POST /oauth/token                  JSON or form; Auth0 tokens, RS256
//
// Each issuer publishes its metadata twice, where OpenID Connect Discovery
// puts it and where RFC 8414 puts it, and its keys at the jwks_uri named there.
// Who may ask for what is the table in clients.go.
//
// # Driving it
//
//	GET  /dev                                  issuers, keys, outages, clients (no secrets)
//	POST /dev/{scheme}/rotate                  publish a new key, then sign with it
//	POST /dev/{scheme}/rotate?step=publish     only publish the next key
//	POST /dev/{scheme}/rotate?step=sign        sign with the published next key
//	POST /dev/{scheme}/rotate?step=retire      withdraw old keys, refused while their tokens are valid
//	POST /dev/{scheme}/rotate?step=retire-now  withdraw old keys whatever their tokens are worth
//	POST /dev/{scheme}/outage?state=on|off     metadata and keys of one issuer answer 503
//	POST /dev/outage?state=on|off              the same for all issuers
//
// It is not safe for production and does not try to be: it serves loopback
// only, in plain http, and anyone on the machine may drive it.
package devauth
