package forgeries

// certificates are the notes of the requests that use a certificate-bound token without its certificate.
var certificates = table{
	{"certificate", []row{
		{"certificate: ", Leniency, "RFC 8941 4.2.7", "a certificate is read from what is not in the proxy's format"},
		{"certificate: none", Hole, "RFC 8705 3", thief},
		{"certificate: no certificate on the connection", Hole, "RFC 8705 3", thief},
		{"certificate: a stranger's", Hole, "RFC 8705 3", thief},
		{"certificate: the right one with", Hole, "RFC 8705 3", thief},
		{"certificate: only ", Hole, "RFC 8705 3", thief},
		{"certificate: the proxy forwards ", Hole, "RFC 8705 3", thief},
		{"certificate: in another format", Leniency, "RFC 8941 4.2.7", "a certificate is read from what is not in the proxy's format"},
	}},
	{"forwarded", []row{
		{"certificate: in the header ", Hole, "RFC 9440 4", anybody},
		{"certificate: in Envoy's words", Hole, "RFC 9440 4", anybody},
		{"certificate: a stranger's, and the right one in the header ", Hole, "RFC 9440 4", anybody},
		{"certificate: the proxy's header from ", Hole, "RFC 9440 4", anybody},
		{"certificate: twice the same", Leniency, "RFC 9440 2.2", "two certificates came, and one of them was chosen"},
		{"certificate: the right one first", Hole, "RFC 9440 2.2", "two certificates came, and the one that the client sent was chosen"},
		{"certificate: the right one last", Hole, "RFC 9440 2.2", "two certificates came, and the one that the client sent was chosen"},
		{"certificate: an empty one first", Leniency, "RFC 9440 2.2", "two certificates came, and one of them was chosen"},
	}},
	{"thumbprint", []row{
		{"certificate: thumbprint: ", Leniency, "RFC 8705 3.1", "the thumbprint in the token is not compared exactly"},
		{"certificate: thumbprint: of ", Hole, "RFC 8705 3.1", "the thumbprint in the token is not the certificate's"},
		{"certificate: thumbprint: of SHA-1", Leniency, "RFC 8705 3.1", "the thumbprint is made with a hash that is broken"},
		{"certificate: thumbprint: zeros", Hole, "RFC 8705 3.1", "the thumbprint in the token is not the certificate's"},
	}},
}

const (
	thief   = "a stolen token that is bound to its holder's certificate is good for the thief"
	anybody = "the certificate, which is no secret, is taken from a header that anybody can send"
)
