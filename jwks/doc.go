// Package jwks says where the keys come from that sign an issuer's tokens.
//
// A [KeySet] yields facts, never a verdict about a token: a [Snapshot] is the
// keys at one moment, and Refresh asks for newer ones because a key was
// missing. There are two of them: [Static] for keys that are given, and
// [Fetcher], which discovers an issuer's JWK Set, keeps it fresh in the
// background and goes on with the keys it has while the issuer is down.
//
// # How a Fetcher behaves
//
// Readers never wait: a snapshot is one atomic load, and a refresh that hangs
// is noticed by nobody. Only callers that come before the first load wait for
// it, each by its own context; while the issuer cannot be reached they get an
// [UnavailableError] at once.
//
// A fetch that failed keeps the keys, up to the maximum staleness. A fetch that
// worked and no longer brings a key drops it at once.
//
// A kid that is not in the set causes one fetch that all callers share. If it
// brings none of the kids that were asked for, a cooldown starts, in which
// unknown kids are refused without waiting and without a fetch; whoever came
// meanwhile is served by one fetch at its end. So forged kids cost an issuer
// two requests a minute, however many come, and a key that was rotated without
// notice is accepted within one cooldown even then.
//
// A Fetcher is one goroutine. Several Fetchers share nothing, so that one
// issuer's trouble never delays another's.
//
// The formats are those of RFC 7517 (JWK Set), OpenID Connect Discovery 1.0 and
// RFC 8414 (authorization server metadata).
package jwks
