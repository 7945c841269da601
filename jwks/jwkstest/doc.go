// Package jwkstest is a fake issuer for tests: it mints tokens, serves its keys and both discovery documents,
// rotates, goes slow and fails on demand, and forges.
//
//	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
//	gate, err := sallyport.New(iss.Issuer(), iss.Audience())
//	token := iss.Token(jwkstest.Claims{"scope": "orders.read"})
//
// # Attacks
//
// [Attack] and [AttackHandler] try every known forgery of a token on an API, a
// few hundred of them, and list those that get through:
//
//	jwkstest.AttackHandler(t, iss, api, httptest.NewRequest("GET", "/orders", nil),
//		jwkstest.Claims{"scope": "orders.read"})
//
// [Issuer.Forgeries] yields them one by one. Where an API takes proofs (DPoP), AttackHandler forges those too, and a
// [Prover] makes good ones:
//
//	client := iss.NewProver("ES256")
//	client.SetProof(request, iss.Token(client.Bound()))
//
// For an API that takes certificate-bound tokens, [Issuer.NewCertificate] makes a client's certificate. AttackHandler
// then tries the token without it too: see [Issuer.CertificateForgeries].
//
// For an API that asks the issuer about opaque tokens there are [Issuer.OpaqueToken] and [Issuer.ForgedAnswers].
//
// # Sockets or none
//
// [New] opens a loopback server, and the issuer's name is its address. An issuer made with [WithoutServer] opens no
// socket: it is reached through [Issuer.Client] alone, which speaks real HTTP over in-memory connections. So it works
// in a bubble of [testing/synctest], provided that New is called in the bubble.
//
// # Whose keys
//
// No two issuers that live at the same time have a key in common. RSA keys are
// slow to make: those of an issuer that has ended are used again by later ones.
//
// An [Issuer] is safe for concurrent use. Wrong use ends the test, which only the
// test's own goroutine may do: see [testing.T.FailNow].
//
// The package is for tests and demonstrations only: it protects nothing.
package jwkstest
