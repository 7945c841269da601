package forgeries

// claims are the notes of the tokens whose claims are wrong.
var claims = table{
	{"times", []row{
		{"exp: ", Leniency, "RFC 7519 4.1.4", "an exp that is no date passes for one"},
		{"exp: ten minutes ago", Hole, "RFC 7519 4.1.4", forEver},
		{"exp: zero", Hole, "RFC 7519 4.1.4", forEver},
		{"exp: negative", Hole, "RFC 7519 4.1.4", forEver},
		{"exp: minus infinity, nearly", Hole, "RFC 7519 4.1.4", forEver},
		{"exp: missing", Leniency, "RFC 9068 2.2", "a token that never expires is accepted"},
		{"exp: null", Leniency, "RFC 9068 2.2", "a token that never expires is accepted"},
		{"nbf: ", Leniency, "RFC 7519 4.1.5", "an nbf that is no date passes for one"},
		{"nbf: in ten minutes", Hole, "RFC 7519 4.1.5", "a token is used before it is good"},
		{"nbf: in milliseconds", Hole, "RFC 7519 4.1.5", "a token is used before it is good"},
		{"nbf: the greatest 64-bit number", Hole, "RFC 7519 4.1.5", "a token is used before it is good"},
		{"iat: ", Leniency, "RFC 7519 4.1.6", "an iat that is no date passes for one"},
		{"iat: in ten minutes", Leniency, "RFC 7519 4.1.6", "a token is used before it was issued (no paragraph demands that it is refused)"},
		{"iat: after exp", Leniency, "RFC 7519 4.1.6", "a token is used before it was issued (no paragraph demands that it is refused)"},
	}},
	{"iss", []row{
		{"iss: ", Confusion, "RFC 9068 4", "a token in the name of another issuer passes"},
		{"iss: missing", Confusion, "RFC 9068 4", "a token that no issuer stands for passes"},
		{"iss: null", Confusion, "RFC 9068 4", "a token that no issuer stands for passes"},
		{"iss: an array", Leniency, "RFC 7519 4.1.1", "an iss that is no string passes"},
		{"iss: a number", Leniency, "RFC 7519 4.1.1", "an iss that is no string passes"},
		{"iss: an object", Leniency, "RFC 7519 4.1.1", "an iss that is no string passes"},
	}},
	{"aud", []row{
		{"aud: ", Confusion, "RFC 9068 4", "a token for another API opens this one: any of them can use its callers' tokens here"},
		{"aud: missing", Confusion, "RFC 9068 4", "a token that is for no API in particular opens this one"},
		{"aud: null", Confusion, "RFC 9068 4", "a token that is for no API in particular opens this one"},
		{"aud: an empty array", Confusion, "RFC 9068 4", "a token that is for no API opens this one"},
		{"aud: an array of numbers", Leniency, "RFC 7519 4.1.3", "an aud that is neither a string nor an array of strings passes"},
		{"aud: an array of null", Leniency, "RFC 7519 4.1.3", "an aud that is neither a string nor an array of strings passes"},
		{"aud: an array in an array", Leniency, "RFC 7519 4.1.3", "an aud that is neither a string nor an array of strings passes"},
		{"aud: the right one beside a number", Leniency, "RFC 7519 4.1.3", "an aud that is neither a string nor an array of strings passes"},
		{"aud: an object", Leniency, "RFC 7519 4.1.3", "an aud that is neither a string nor an array of strings passes"},
		{"aud: a number", Leniency, "RFC 7519 4.1.3", "an aud that is neither a string nor an array of strings passes"},
		{"aud: a boolean", Leniency, "RFC 7519 4.1.3", "an aud that is neither a string nor an array of strings passes"},
	}},
	{"cnf", []row{
		{"cnf: bound to a DPoP key", Hole, "RFC 9449 7.2", "a stolen token that is bound to its holder's key is good for the thief"},
		{"cnf: bound to a certificate", Hole, "RFC 8705 3", "a stolen token that is bound to its holder's certificate is good for the thief"},
		{"cnf: bound in a way nobody knows", Leniency, "RFC 7800 3.1", "a token that is bound in a way the API does not know is good for everybody (the RFC leaves it to the application)"},
	}},
	{"types", []row{
		{"sub: ", Leniency, "RFC 7519 4.1.2", "a sub that is no string passes, and what reads it next may see somebody else"},
		{"jti: ", Leniency, "RFC 7519 4.1.7", "a jti that is no string passes, and what looks it up may not find it"},
	}},
	{"size", []row{
		{"size: ", Leniency, "CWE-770", "a token may be as long as the sender likes, and each byte is decoded for strangers (no standard sets a limit)"},
	}},
}

const forEver = "a stolen token is good for ever"
