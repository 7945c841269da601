package forgeries

// tokens are the notes of the forged tokens. Groups of claims are in claims.go.
var tokens = append(table{
	{"key", []row{
		{"key: ", Hole, "RFC 9068 4", "anybody signs tokens with a key of their own"},
		{"key: another issuer's, in its own name", Confusion, "RFC 9068 4", "the tokens of any issuer open the API"},
		{"key: one that the issuer publishes for encryption", Leniency, "RFC 7517 4.2", "a key that is published for encryption signs tokens"},
	}},
	{"kid", []row{
		{"kid: ", Hole, "RFC 8725 3.10", "the kid chooses the attacker's key, a file, a row of a database or a command"},
		{"kid: empty", Hole, "RFC 8725 3.8", "a token that names no key is believed without one of the issuer's"},
		{"kid: none", Hole, "RFC 8725 3.8", "a token that names no key is believed without one of the issuer's"},
		{"kid: a number", Leniency, "RFC 7515 4.1.4", "a kid that is no string is read as one"},
		{"kid: an array", Leniency, "RFC 7515 4.1.4", "a kid that is no string is read as one"},
		{"kid: an object", Leniency, "RFC 7515 4.1.4", "a kid that is no string is read as one"},
	}},
	{"header", []row{
		{"header: j", Hole, "RFC 8725 3.8", "anybody signs tokens with a key that the token itself brings along (CVE-2018-0114)"},
		{"header: jku", Hole, "RFC 8725 3.10", "the API fetches keys from the attacker's address, or asks its own network for the attacker"},
		{"header: x5c", Hole, "RFC 8725 3.8", "anybody signs tokens with a certificate that the token itself brings along"},
		{"header: x5u", Hole, "RFC 8725 3.10", "the API fetches certificates from the attacker's address, or asks its own network for the attacker"},
	}},
	{"none", []row{
		{"alg none: ", Hole, "RFC 8725 3.2", "anybody writes tokens: they need no signature"},
	}},
	{"alg", []row{
		{"alg: ", Leniency, "RFC 7515 4.1.1", "the header's alg is not compared byte by byte with a list of what is allowed"},
		{"alg: called ", Leniency, "RFC 8725 3.1", "the header's alg is not the one that the signature is checked with"},
		{"alg: signed with ", Leniency, "RFC 8725 3.1", "one key serves several algorithms, and the weakest protects it"},
	}},
	{"hmac", []row{
		{"HS", Hole, "RFC 8725 3.1", "anybody signs tokens: the public key is taken for an HMAC secret (CVE-2016-5431)"},
		{"HS256: keyed with nothing", Hole, "RFC 8725 3.5", "anybody signs tokens with an empty secret"},
		{"HS256: keyed with the word secret", Hole, "RFC 8725 3.5", "anybody signs tokens with a secret that is guessed at once"},
		{"HS256: keyed with zeros", Hole, "RFC 8725 3.5", "anybody signs tokens with a secret that is guessed at once"},
		{"HS256: keyed with the kid", Hole, "RFC 8725 3.5", "anybody signs tokens with a secret that the header names"},
		{"HS256: keyed with the issuer's name", Hole, "RFC 8725 3.5", "anybody signs tokens with a secret that is public"},
		{"HS256: keyed with the audience", Hole, "RFC 8725 3.5", "anybody signs tokens with a secret that is public"},
		{"HS256: keyed with a symmetric key out of the JWK Set", Hole, "RFC 8725 3.1", "anybody signs tokens with an HMAC key that they read in the published JWK Set"},
		{"HS256: of ", Hole, "RFC 8725 3.10", "anybody signs tokens: the kid leads to a secret that the attacker knows"},
	}},
	{"signature", []row{
		{"signature: ", Hole, "RFC 7515 5.2", "anybody changes a token: its signature is not checked over all of it"},
		{"signature: a zero before it", Leniency, "RFC 7515 5.2", "a signature has several forms, so a token that was revoked by its text has another"},
		{"signature: a zero behind it", Leniency, "RFC 7515 5.2", "a signature has several forms, so a token that was revoked by its text has another"},
		{"signature: twice in a row", Leniency, "RFC 7515 5.2", "a signature has several forms, so a token that was revoked by its text has another"},
	}},
	{"rsa", []row{
		{"RSA signature: ", Hole, "RFC 8017 8.2.2", "signatures are forged where the padding is parsed and not compared (CVE-2006-4339)"},
		{"RSA signature: the same number plus the modulus", Leniency, "RFC 8017 5.2.2", "a signature has several forms"},
		{"RSA signature: the hash's name without its NULL", Leniency, "RFC 8017 8.2.2", "the padding is parsed and not compared"},
		{"RSA signature: under the name of ", Leniency, "RFC 8017 8.2.2", "the padding names another hash than alg does"},
		{"RSA signature: another trailer", Leniency, "RFC 8017 9.1.2", "the padding is not checked to its end"},
		{"RSA signature: another mark before the salt", Leniency, "RFC 8017 9.1.2", "the padding is not checked as a whole"},
		{"RSA signature: garbage before the mark", Leniency, "RFC 8017 9.1.2", "the padding is not checked as a whole"},
	}},
	{"ecdsa", []row{
		{"ECDSA", Hole, "RFC 7518 3.4", "anybody signs tokens: r and s are not checked against their range (CVE-2022-21449)"},
		{"ECDSA: ", Hole, "RFC 7518 3.4", "anybody signs tokens with a key of another curve"},
		{"ECDSA signature: on the curve of ", Hole, "RFC 7518 3.4", "anybody signs tokens with a key of another curve"},
		{"ECDSA signature: over the hash of ", Leniency, "RFC 7518 3.4", "the hash is not the one of alg"},
		{"ECDSA signature: r and s swapped", Leniency, "RFC 7518 3.4", "a signature has several forms"},
		{"ECDSA signature: r and s little-endian", Leniency, "RFC 7518 3.4", "a signature has several forms"},
		{"ECDSA signature: r and s too wide", Leniency, "RFC 7518 3.4", "a signature has several forms"},
		{"ECDSA signature: r and s as wide as another curve's", Leniency, "RFC 7518 3.4", "a signature has several forms"},
		{"ECDSA signature: as DER", Leniency, "RFC 7518 3.4", "a signature has several forms"},
	}},
	{"eddsa", []row{
		{"Ed25519 signature: ", Leniency, "RFC 8032 5.1.7", "a signature has several forms, or is one of another algorithm"},
		{"Ed25519 signature: S is zero, R the neutral point", Hole, "RFC 8032 5.1.7", "anybody signs tokens: the equation is not checked"},
	}},
	{"crit", []row{
		{"crit: ", Leniency, "RFC 7515 4.1.11", "what the issuer says must be understood is ignored (CVE-2025-59420)"},
	}},
	{"b64", []row{
		{"b64: ", Leniency, "RFC 7797 6", "the payload is read otherwise than it was signed"},
	}},
	{"typ", []row{
		{"typ: ", Confusion, "RFC 9068 4", "a token of another kind, such as a logout token, opens the API"},
		{`typ: "at+jwt `, Leniency, "RFC 9068 4", "typ is not compared exactly"},
		{`typ: "at+jwt;`, Leniency, "RFC 9068 4", "typ is not compared exactly"},
		{`typ: "at+jwt,`, Leniency, "RFC 9068 4", "typ is not compared exactly"},
		{`typ: "text/at+jwt"`, Leniency, "RFC 9068 4", "typ is not compared exactly"},
		{"typ: a number", Leniency, "RFC 9068 4", "a typ that is no string passes"},
		{"typ: an array", Leniency, "RFC 9068 4", "a typ that is no string passes"},
	}},
	{"cty", []row{
		{"cty: ", Leniency, "RFC 7519 5.2", "what is said to be a token within a token is read as claims, or the other way round"},
	}},
	{"kind", []row{
		{"kind: ", Confusion, "RFC 8725 3.12", "another kind of token that the same issuer signs opens the API"},
		{"kind: ID token", Confusion, "RFC 8725 3.12", "an ID token opens the API: whoever a user signs in to can call it in the user's name"},
		{"kind: refresh token", Confusion, "RFC 8725 3.12", "a refresh token opens the API"},
		{"kind: logout token", Confusion, "RFC 8725 3.12", "a logout token, which many parties get, opens the API"},
	}},
	{"parts", []row{
		{"parts: ", Leniency, "RFC 7515 7.1", "a token has several forms, and two readers may see two tokens"},
		{"parts: the payload alone", Hole, "RFC 7515 5.2", "anybody writes tokens: they need no signature"},
		{"parts: no signature", Hole, "RFC 7515 5.2", "anybody writes tokens: they need no signature"},
		{"parts: an empty signature", Hole, "RFC 7515 5.2", "anybody writes tokens: they need no signature"},
		{"parts: an empty header", Hole, "RFC 7515 5.2", "a token is believed whose header was not signed"},
		{"parts: an empty payload", Hole, "RFC 7515 5.2", "a token is believed whose payload was not signed"},
		{"parts: JSON, general, without signatures", Hole, "RFC 7515 7.2.1", "anybody writes tokens: they need no signature"},
	}},
	{"base64url", []row{
		{"base64url: ", Leniency, "RFC 4648 3.3", "a token has several forms, so one that was revoked by its text has another"},
		{"base64url: header, padded", Leniency, "RFC 7515 2", "a token has several forms, so one that was revoked by its text has another"},
		{"base64url: payload, padded", Leniency, "RFC 7515 2", "a token has several forms, so one that was revoked by its text has another"},
		{"base64url: signature, padded", Leniency, "RFC 7515 2", "a token has several forms, so one that was revoked by its text has another"},
		{"base64url: header, spare bits", Leniency, "RFC 4648 3.5", spareBits},
		{"base64url: payload, spare bits", Leniency, "RFC 4648 3.5", spareBits},
		{"base64url: signature, spare bits", Leniency, "RFC 4648 3.5", spareBits},
	}},
	{"encrypted", []row{
		{"encrypted: ", Hole, "RFC 8725 3.3", "whoever has the public key writes tokens: encryption is taken for a signature (CVE-2024-28122)"},
		{"encrypted: five parts of a signed token", Leniency, "RFC 7515 7.1", "a token has several forms"},
		{"encrypted: with a header of alg ", Leniency, "RFC 7515 7.1", "five parts are read as a signed token"},
	}},
	{"json", []row{
		{"header: ", Leniency, "RFC 7515 5.2", "a header that is no valid JSON object is read: two readers may see two tokens"},
		{"payload: ", Leniency, "RFC 7519 7.2", "claims that are no valid JSON object are read: two readers may see two tokens"},
	}},
	{"duplicates", []row{
		{"header: alg twice", Leniency, "RFC 7515 4", twice},
		{"header: typ twice", Leniency, "RFC 7515 4", twice},
		{"header: kid twice", Hole, "RFC 7515 4", "anybody signs tokens: the key is named twice and the attacker's counts"},
		{"header: a member within a member twice", Leniency, "RFC 7515 4", twice},
		{"payload: aud twice", Leniency, "RFC 7519 4", twice},
		{"payload: iss twice", Leniency, "RFC 7519 4", twice},
		{"payload: exp twice", Leniency, "RFC 7519 4", twice},
		{"payload: sub twice", Leniency, "RFC 7519 4", twice},
		{"payload: scope twice", Leniency, "RFC 7519 4", twice},
		{"payload: a member within ", Leniency, "RFC 7519 4", twice},
	}},
	{"names", []row{
		{"names: ", Leniency, "RFC 7519 7.3", "a name in other letters is read as another name"},
		{"names: ALG ", Leniency, "RFC 7515 4", "a name in other letters is read as alg"},
		{"names: Typ ", Confusion, "RFC 7515 4", "a token of another kind opens the API: a name in other letters is read as typ"},
		{"names: Aud beside another aud", Confusion, "RFC 7519 7.3", "a token for another API opens this one: a name in other letters is read as aud (CVE-2026-27896)"},
		{"names: a Cyrillic a in aud", Confusion, "RFC 7519 7.3", "a token for another API opens this one: a look-alike is read as aud"},
		{"names: a fullwidth aud", Confusion, "RFC 7519 7.3", "a token for another API opens this one: a look-alike is read as aud"},
		{"names: a space behind aud", Confusion, "RFC 7519 7.3", "a token for another API opens this one: a look-alike is read as aud"},
		{"names: ISS beside another iss", Confusion, "RFC 7519 7.3", "a token of another issuer passes: a name in other letters is read as iss"},
		{"names: a long s in iss", Confusion, "RFC 7519 7.3", "a token of another issuer passes: a look-alike is read as iss"},
		{"names: Exp beside an exp that has passed", Hole, "RFC 7519 7.3", "a stolen token is good for ever: a name in other letters is read as exp"},
		{"names: a zero-width space in exp", Hole, "RFC 7519 7.3", "a stolen token is good for ever: a look-alike is read as exp"},
		{"names: a NUL behind exp", Hole, "RFC 7519 7.3", "a stolen token is good for ever: a look-alike is read as exp"},
		{"names: a Kelvin sign in kid", Hole, "RFC 7515 4", "a look-alike is read as kid, and the signature is not checked with the key that it names"},
	}},
}, claims...)

const (
	twice     = "two readers see two tokens: one of two members of the same name counts (a parser that takes the last is within the RFC)"
	spareBits = "a token has several forms, so one that was revoked by its text has another (a decoder may allow it)"
)
