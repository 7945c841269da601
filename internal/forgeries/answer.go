package forgeries

// answers are the notes of the answers of an introspection endpoint.
var answers = table{
	{"active", []row{
		{"active: ", Hole, "RFC 7662 2.2", "a token that the issuer calls inactive opens the API"},
	}},
	{"answer", []row{
		{"body: ", Leniency, "RFC 7662 2.2", "what the endpoint sent is no answer, and is read as one"},
		{"type: ", Leniency, "RFC 7662 2.2", "what the endpoint sent is no answer, and is read as one"},
		{"status: ", Hole, "RFC 7662 2.3", "an error of the endpoint is taken for a yes"},
	}},
	{"vouched", []row{
		{"iss: ", Confusion, "RFC 7662 4", "a token of another issuer passes"},
		{"aud: ", Confusion, "RFC 7662 4", "a token for another API opens this one"},
		{"exp: ", Leniency, "RFC 7662 2.2", "an exp that is no date passes for one"},
		{"exp: ten minutes ago", Hole, "RFC 7662 4", forEver},
		{"nbf: ", Hole, "RFC 7662 4", "a token is used before it is good"},
		{"iat: ", Leniency, "RFC 7662 4", "a token is used before it was issued"},
		{"sub: ", Leniency, "RFC 7662 2.2", "a sub that is no string passes"},
		{"scope: ", Leniency, "RFC 7662 2.2", "a scope that is no string passes"},
	}},
	{"kind", []row{
		{"token_use: ", Confusion, "RFC 7662 2.1", otherKind},
		{"token_type: ", Confusion, "RFC 7662 2.1", otherKind},
		{"typ: ", Confusion, "RFC 7662 2.1", otherKind},
		{"at_hash: ", Confusion, "RFC 7662 2.1", otherKind},
	}},
	{"binding", []row{
		{"cnf: ", Hole, "RFC 9449 6.2", "a stolen token that is bound to its holder's key is good for the thief"},
		{"token_type: DPoP", Hole, "RFC 9449 6.2", "a stolen token that is bound to its holder's key is good for the thief"},
	}},
}

const otherKind = "another kind of token that the same issuer vouches for opens the API"
