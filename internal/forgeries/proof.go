package forgeries

const dpop = "RFC 9449 4.3"

// proofs are the notes of the forged proofs of DPoP.
var proofs = table{
	{"proofs", []row{
		{"proofs: ", Leniency, dpop, "more than one proof is taken for one, and two readers may choose two"},
		{"proofs: none", Hole, "RFC 9449 7.1", noProof},
		{"proofs: an empty one", Hole, "RFC 9449 7.1", noProof},
		{"proofs: an empty one before a good one", Leniency, dpop, "more than one proof is taken for one"},
		{"proofs: the token itself", Hole, dpop, "whoever stole the token uses it as its own proof"},
		{"proofs: one of 100 kB", Leniency, "CWE-770", "a proof may be as long as the sender likes (no standard sets a limit)"},
	}},
	{"parts", []row{
		{"parts: ", Leniency, dpop, "something else than one compact JWT is read as a proof"},
		{"parts: the payload alone", Hole, dpop, unsignedProof},
		{"parts: no signature", Hole, dpop, unsignedProof},
		{"parts: an empty signature", Hole, dpop, unsignedProof},
		{"parts: an empty header", Hole, dpop, unsignedProof},
		{"parts: an empty payload", Hole, dpop, unsignedProof},
	}},
	{"base64url", []row{
		{"base64url: ", Leniency, "RFC 4648 3.3", "a proof has several forms, so one that was used is good again"},
	}},
	{"json", []row{
		{"header: ", Leniency, "RFC 7515 5.2", "a header that is no valid JSON object is read"},
		{"payload: ", Leniency, "RFC 7519 7.2", "claims that are no valid JSON object are read"},
	}},
	{"duplicates", []row{
		{"header: alg twice", Leniency, "RFC 7515 4", twice},
		{"header: typ twice", Leniency, "RFC 7515 4", twice},
		{"header: jwk twice", Leniency, "RFC 7515 4", twice},
		{"header: a member of jwk twice", Leniency, "RFC 7517 4", twice},
		{"payload: htm twice", Leniency, "RFC 7519 4", twice},
		{"payload: htu twice", Leniency, "RFC 7519 4", twice},
		{"payload: iat twice", Leniency, "RFC 7519 4", twice},
		{"payload: jti twice", Leniency, "RFC 7519 4", twice},
		{"payload: ath twice", Leniency, "RFC 7519 4", twice},
	}},
	{"typ", []row{
		{"typ: ", Leniency, dpop, "typ is not compared exactly"},
		{"typ: none", Confusion, dpop, "another kind of JWT that the client signs is taken for a proof"},
		{`typ: "JWT"`, Confusion, dpop, "another kind of JWT that the client signs is taken for a proof"},
		{`typ: "at+jwt"`, Confusion, dpop, "another kind of JWT is taken for a proof"},
	}},
	{"alg", []row{
		{"alg: ", Leniency, dpop, "the header's alg is not compared byte by byte with a list of what is allowed"},
		{"alg none", Hole, dpop, unsignedProof},
		{"alg None", Hole, dpop, unsignedProof},
		{"alg NONE", Hole, dpop, unsignedProof},
		{"alg nOnE", Hole, dpop, unsignedProof},
		{"alg: an HMAC with a secret in jwk", Leniency, dpop, "a symmetric algorithm makes proofs that the API could make itself"},
		{"alg: an HMAC with the public key as its secret", Hole, dpop, "anybody makes proofs: the public key is taken for an HMAC secret"},
	}},
	{"crit", []row{
		{"crit: ", Leniency, "RFC 7515 4.1.11", "what the client says must be understood is ignored"},
		{"b64: ", Leniency, "RFC 7797 6", "the payload is read otherwise than it was signed"},
	}},
	{"jwk", []row{
		{"jwk: ", Leniency, dpop, "a key is read leniently, so that its thumbprint may be another's"},
		{"jwk: none", Hole, dpop, "a proof is believed without a key"},
		{"jwk: null", Hole, dpop, "a proof is believed without a key"},
		{"jwk: of another key", Hole, dpop, "a proof is believed that its key did not sign"},
		{"jwk: in jku", Hole, dpop, "the API fetches keys from the attacker's address"},
		{"jwk: with the private member", Leniency, dpop, "a client that shows its private key is not told"},
	}},
	{"weak key", []row{
		{"RSA key: ", Hole, "RFC 8725 3.5", "a key is accepted that others can use, or that costs seconds to check"},
		{"EC key: ", Hole, "RFC 8725 3.4", "a key is accepted that is no point of its curve"},
		{"Ed25519 key: ", Hole, "RFC 8725 3.4", "a key is accepted under which anything verifies"},
	}},
	{"signature", []row{
		{"signature: ", Hole, dpop, unsignedProof},
		{"signature: a zero before it", Leniency, dpop, "a proof has several forms, so one that was used is good again"},
		{"signature: a zero behind it", Leniency, dpop, "a proof has several forms, so one that was used is good again"},
		{"signature: in DER", Leniency, "RFC 7518 3.4", "a proof has several forms, so one that was used is good again"},
		{"signature: r and s swapped", Leniency, "RFC 7518 3.4", "a proof has several forms, so one that was used is good again"},
		{"signature: with the other padding", Leniency, "RFC 8725 3.1", "the header's alg is not the one that the signature is checked with"},
	}},
	{"htm", []row{
		{"htm: ", Hole, dpop, "a proof that was seen for one method opens another"},
	}},
	{"htu", []row{
		{"htu: ", Hole, dpop, "a proof that was made for another server or path opens this one"},
	}},
	{"iat", []row{
		{"iat: ", Hole, dpop, "a proof that was seen once is good for ever, or was made long ago for later"},
		{"iat: now, as a string", Leniency, dpop, "an iat that is no number passes"},
		{"iat: now, in a list", Leniency, dpop, "an iat that is no number passes"},
	}},
	{"jti", []row{
		{"jti: ", Hole, "RFC 9449 11.1", "a proof without a usable jti is good more than once"},
	}},
	{"ath", []row{
		{"ath: ", Hole, dpop, "a proof that was made for another token opens this one"},
	}},
	{"jkt", []row{
		{"jkt: ", Hole, dpop, "whoever stole a token proves a key of their own"},
	}},
	{"names", []row{
		{"names: ", Leniency, "RFC 7519 7.3", "a name in other letters is read as another name"},
	}},
	{"nonce", []row{
		{"nonce: ", Hole, dpop, "proofs can be made long before they are used: the server's nonce is not checked"},
	}},
}

const (
	noProof       = "a stolen token is good without any proof"
	unsignedProof = "anybody makes proofs: their signature is not checked"
)
