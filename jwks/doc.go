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
// worked and no longer brings a key drops it at once.
//
// A kid that is not in the set causes one fetch that all callers share. If it
// brings none of the kids that were asked for, a cooldown starts, in which
// unknown kids are refused without waiting and without a fetch; one fetch at its
// end is for all the kids that were asked for meanwhile. So forged kids cost an issuer
// two requests a minute, however many come, and a key that was rotated without
// notice is accepted within one cooldown even then.
//
// A Fetcher is one goroutine. Several Fetchers share nothing, so that an issuer
// that is down never delays another.
//
// The formats are those of RFC 7517 (JWK Set), OpenID Connect Discovery 1.0 and
// RFC 8414 (authorization server metadata).
package jwks
