// Package jwks provides the keys that check the signatures of an issuer's
// tokens.
//
// A [KeySet] has a [Snapshot], the keys at one moment, and Refresh, which asks
// for newer ones because a key is missing. There are two: [NewStatic] returns
// one of given keys, and a [Fetcher] discovers an issuer's JWK Set, keeps it
// fresh in the background and keeps the keys it has while the issuer is down.
//
// # How a Fetcher behaves
//
// Readers never wait: a snapshot is one atomic load, also while a refresh
// hangs. Only callers that come before the first load wait for
// it, each by its own context; while the issuer cannot be reached they get an
// [UnavailableError] at once.
//
// A fetch that failed keeps the keys, up to the maximum staleness. A fetch that
// worked and no longer brings a key drops it at once; so does [Fetcher.Distrust].
//
// A kid that is not in the set causes one fetch that all callers share. Anybody
// can invent kids, so these fetches have a budget: a burst of 5, refilled one per
// cooldown (10 s), with a second between two. One that brings a kid that was asked
// for is given back, and one that is due anyway costs nothing. While the budget is
// used up, unknown kids are refused without waiting, and one fetch at the end of
// each cooldown is for all that were asked for meanwhile. So a stray token before
// a rotation without notice does no harm, forged kids cost an issuer six requests
// a minute however many come, and a rotated key is accepted within one cooldown
// even then. At most 1 000 callers wait; more are answered as if the budget were
// used up.
//
// Only a kid that a fetch was made for and did not bring is remembered, and then
// refused without another fetch: for one cooldown if it was never in the set, for
// twice as long each time up to a minute if it was and was withdrawn. When keys
// change that is forgotten. [Fetcher.Distrust] alone has no end.
//
// A Fetcher is one goroutine. Several Fetchers share nothing, so that an issuer
// that is down never delays another.
//
// The formats are those of RFC 7517 (JWK Set), OpenID Connect Discovery 1.0 and
// RFC 8414 (authorization server metadata).
package jwks
