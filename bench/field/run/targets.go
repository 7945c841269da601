package run

import "github.com/sallyport-go/sallyport/bench/field/drivers"

// kindsLeft is for servers that do not look at which kind of token comes.
var kindsLeft = Left{
	drivers.Cases{"typ", "kind", "names: Typ beside a typ of another kind"},
	"which kind of token comes (typ, and the claims by which issuers mark other kinds)",
}

// Targets are the servers that are attacked over HTTP.
var Targets = []Target{
	{
		Library: drivers.Library{Name: "Apache with mod_oauth2 (Debian)", Page: "https://github.com/OpenIDC/mod_oauth2/blob/v3.3.1/oauth2.conf"},
		Command: `exec apache2 -DFOREGROUND -f "$PWD/apache.conf"`, VersionOf: "command -v apache2 >&2 && test -e /usr/lib/apache2/modules/mod_oauth2.so && dpkg-query -W -f '${Version}' libapache2-mod-oauth2",
		Install: "apt-get install --no-install-recommends apache2-bin libapache2-mod-oauth2",
		Left: []Left{
			kindsLeft,
			{drivers.Cases{"cnf"}, "that a token is bound (cnf), which type=dpop and type=mtls ask for"},
		},
		Public: drivers.Cases{"nbf: in ", "nbf: the greatest 64-bit number", "HS256: keyed with a symmetric key out of the JWK Set"},
	},
	{
		Library: drivers.Library{
			Name: "HAProxy with jwt_verify (Debian)", Page: "https://www.haproxy.com/documentation/hapee/latest/security/authentication/jwt-authorization/jwt-proxy-config/",
			Note: "Keys are files, so that finding the issuer's is for whoever configures it. Its manual says that jwt_verify checks the signature alone, and that a comparison of strings ends at a NUL unless the converter hex comes before it (section 7.1.3). " +
				"That exp less than zero passes is a fault of the converter sub that [is repaired in later versions](https://github.com/haproxy/haproxy/issues/2216).",
		},
		Command:   `go run ./issuerkey "$DIR/issuer.pem" && exec haproxy -db -f haproxy.cfg`,
		VersionOf: "haproxy -v", Install: "apt-get install --no-install-recommends haproxy",
		Left: []Left{
			kindsLeft,
			{drivers.Cases{"kid"}, "which key a token names (kid)"},
			{drivers.Cases{"cnf"}, "that a token is bound (cnf)"},
			{drivers.Cases{"nbf: ", "iat: "}, "nbf and iat"},
			{drivers.Cases{"crit", "b64", "cty", "json", "duplicates", "types"}, "that header and payload are what they should be, as JSON and by their members"},
		},
		Public: drivers.Cases{"exp: minus infinity, nearly", "exp: negative", "aud: a NUL behind", "iss: a NUL behind"},
	},
	{
		Library:   drivers.Library{Name: "Express with express-oauth2-jwt-bearer (npm)", Page: "https://github.com/auth0/node-oauth2-jwt-bearer#readme"},
		Command:   "exec node ../npm/express-api.mjs",
		VersionOf: `cd ../npm && node --input-type=module -e "import './corpus.mjs'" && node -p "require('express/package.json') && require('./node_modules/express-oauth2-jwt-bearer/package.json').version"`,
		Install:   "Node 20.19, and npm ci in bench/field/npm",
		Left:      []Left{{drivers.Cases{"cnf: bound to a certificate", "cnf: bound in a way nobody knows"}, "that a token is bound to a certificate, where getCertificate is not set, or in another way than DPoP's"}},
	},
	{
		Library: drivers.Library{Name: "net/http with auth0 go-jwt-middleware v3", Page: "https://github.com/auth0/go-jwt-middleware/blob/master/README.md"},
		Command: "exec go run ./auth0v3", VersionOf: "go list -m github.com/auth0/go-jwt-middleware/v3", Install: "the Go module proxy",
		Left: []Left{
			kindsLeft,
			{drivers.Cases{"cnf: bound to a certificate", "cnf: bound in a way nobody knows"}, "that a token is bound in another way than DPoP's"},
		},
		Public: drivers.Cases{"names: a long s in iss"},
	},
}
