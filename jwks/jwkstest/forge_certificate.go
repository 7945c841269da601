package jwkstest

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // a thumbprint of the wrong kind
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"iter"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	holeCertificate = "a token that is bound to a certificate is accepted without it (RFC 8705 section 3)"
	holeHeader      = "a certificate is taken from a header that anybody can send (RFC 9440 section 4)"
	holeTwoHeaders  = "two certificates came, and one of them was chosen (RFC 9440 section 2.2)"
	holeSloppy      = "a certificate is read from what is not in the proxy's format (RFC 8941 section 4.2.7)"
	holeThumbprint  = "the thumbprint in the token is not compared exactly (RFC 8705 section 3.1)"
)

// CertificateForgery is a request that must be refused, though its token is good for who has the certificate. It
// differs from a good one in one thing only.
type CertificateForgery struct {
	Request *http.Request
	Reason  reason.Code // with which middleware/mtls refuses it
	Hole    string      // what is wrong with an API that accepts it
}

// CertificateForgeries yields requests that use a certificate-bound token without its certificate, each under a name
// of its own. The good request has the certificate on its connection ([Certificate.On]) or in the header of the
// API's proxy, and the options bind the token to it ([Certificate.Bound]):
//
//	for name, f := range iss.CertificateForgeries(cert.On(request), cert.Bound()) { ... }
//
// It yields nothing for tokens that are not bound to a certificate that request has. The token is in the
// Authorization header, as a bearer token.
func (iss *Issuer) CertificateForgeries(request *http.Request, options ...TokenOption) iter.Seq2[string, CertificateForgery] {
	return func(yield func(string, CertificateForgery) bool) {
		c := iss.certificateForger(request, options)
		if c == nil {
			return
		}
		for _, group := range []func(){c.connections, c.names, c.headers, c.peers, c.thumbprints} {
			c.forged = nil
			group()
			for _, one := range c.forged {
				if !yield(one.name, one.CertificateForgery) {
					return
				}
			}
		}
	}
}

// certificateForger makes the forgeries of one request.
type certificateForger struct {
	iss      *Issuer
	options  []TokenOption
	token    string
	good     *http.Request
	cert     *x509.Certificate
	header   string // of the proxy that forwards the certificate; "": it is on the connection
	stranger *Certificate
	forged   []forgedRequest
}

type forgedRequest struct {
	name string
	CertificateForgery
}

// certificateForger returns nil if the token is not bound to a certificate of the request.
func (iss *Issuer) certificateForger(request *http.Request, options []TokenOption) *certificateForger {
	cnf, _ := iss.draft(options).claims["cnf"].(map[string]any)
	thumbprint, ok := cnf["x5t#S256"].(string)
	if !ok {
		return nil
	}
	c := &certificateForger{iss: iss, options: options, token: iss.Token(options...), good: request, stranger: iss.NewCertificate()}
	if request.TLS != nil && len(request.TLS.PeerCertificates) > 0 {
		c.cert = request.TLS.PeerCertificates[0]
	}
	if c.cert != nil && thumbprintOf(c.cert.Raw) == thumbprint {
		return c
	}
	for name, lines := range request.Header {
		if cert := certificateIn(lines); cert != nil && thumbprintOf(cert.Raw) == thumbprint {
			c.header, c.cert = name, cert
			return c
		}
	}
	return nil
}

// certificateIn reads the formats that proxies write.
func certificateIn(lines []string) *x509.Certificate {
	if len(lines) != 1 {
		return nil
	}
	text, _ := url.PathUnescape(lines[0])
	der, _ := base64.StdEncoding.DecodeString(strings.Trim(lines[0], ":"))
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return cert
}

// request adds a request, changed by change.
func (c *certificateForger) request(name string, why reason.Code, hole string, change func(r *http.Request) *http.Request) {
	r := again(c.good)
	r.Header.Set("Authorization", "Bearer "+c.token)
	c.forged = append(c.forged, forgedRequest{"certificate: " + name, CertificateForgery{change(r), why, hole}})
}

// with returns a change that puts lines into the header of that name, in place of the certificate where it was.
func (c *certificateForger) with(name string, lines ...string) func(r *http.Request) *http.Request {
	return func(r *http.Request) *http.Request {
		r.TLS = nil
		if c.header != "" {
			r.Header.Del(c.header)
		}
		if len(lines) > 0 {
			r.Header[http.CanonicalHeaderKey(name)] = lines
		}
		return r
	}
}

// connections: the certificate of somebody else, or none.
func (c *certificateForger) connections() {
	bare := c.with("")
	namesake := c.iss.certificate(c.stranger.private, c.cert.Subject.CommonName)
	flipped := &x509.Certificate{Raw: bytes.Clone(c.cert.Raw)}
	flipped.Raw[len(flipped.Raw)-1] ^= 1
	c.request("none", reason.WrongCertificate, holeCertificate, bare)
	for name, chain := range map[string][]*x509.Certificate{
		"no certificate on the connection":        {},
		"a stranger's":                            {c.stranger.X509()},
		"a stranger's with the same subject":      {namesake.X509()},
		"a stranger's, and the right one behind":  {c.stranger.X509(), c.cert},
		"the right one with another signature":    {flipped},
		"the right one with something behind it":  {{Raw: append(bytes.Clone(c.cert.Raw), 0)}},
		"only its public key":                     {{Raw: c.cert.RawSubjectPublicKeyInfo}},
		"only what was signed of the certificate": {{Raw: c.cert.RawTBSCertificate}},
	} {
		c.request(name, reason.WrongCertificate, holeCertificate, func(r *http.Request) *http.Request { return over(bare(r), chain...) })
	}
}

// names: the right certificate, which is no secret, in the headers that one proxy or another uses, sent by the
// attacker. Where the API reads one of them, its proxy's addresses decide.
func (c *certificateForger) names() {
	for _, name := range []string{
		"Client-Cert", "Client-Certificate", "X-Client-Cert", "X-Client-Certificate", "X-SSL-Client-Cert", "X-SSL-Cert",
		"SSL-Client-Cert", "SSL-Client-Certificate", "X-SSL-Client-Certificate", "X-Forwarded-Client-Cert",
		"X-Forwarded-Tls-Client-Cert", "X-Amzn-Mtls-Clientcert", "X-Arr-Clientcert", "X-Original-Client-Cert",
	} {
		if strings.EqualFold(name, c.header) {
			continue
		}
		for format, value := range c.spellings() {
			c.request("in the header "+name+" "+format, reason.WrongCertificate, holeHeader, c.with(name, value))
		}
		c.request("a stranger's, and the right one in the header "+name, reason.WrongCertificate, holeHeader, func(r *http.Request) *http.Request {
			return c.stranger.On(c.with(name, byteSequence(c.cert.Raw))(r))
		})
	}
	hash := hex.EncodeToString(thumbprintBytes(c.cert.Raw))
	c.request("in Envoy's words", reason.WrongCertificate, holeHeader, c.with("X-Forwarded-Client-Cert", `Hash=`+hash+`;Cert="`+escapedPEM(c.cert.Raw)+`"`))
}

// spellings returns the right certificate as proxies write it.
func (c *certificateForger) spellings() map[string]string {
	return map[string]string{
		"as a byte sequence": byteSequence(c.cert.Raw),
		"as escaped PEM":     escapedPEM(c.cert.Raw),
	}
}

// headers: what the API's own proxy would never send, and what a client slips past it.
func (c *certificateForger) headers() {
	if c.header == "" {
		return
	}
	good, plain := c.good.Header.Get(c.header), base64.StdEncoding.EncodeToString(c.cert.Raw)
	strange := byteSequence(c.stranger.X509().Raw)
	if !strings.HasPrefix(good, ":") {
		strange = escapedPEM(c.stranger.X509().Raw)
	}
	wrong := func(name, hole string, lines ...string) {
		c.request(name, reason.WrongCertificate, hole, c.with(c.header, lines...))
	}
	wrong("the proxy forwards a stranger's", holeCertificate, strange)
	wrong("the proxy forwards an empty one", holeCertificate, "")
	wrong("twice the same", holeTwoHeaders, good, good)
	wrong("the right one first", holeTwoHeaders, good, strange)
	wrong("the right one last", holeTwoHeaders, strange, good)
	wrong("an empty one first", holeTwoHeaders, "", good)
	wrong("the right one first, in one line", holeTwoHeaders, good+", "+strange)
	wrong("the right one last, in one line", holeTwoHeaders, strange+", "+good)
	for format, value := range c.spellings() {
		if value != good {
			wrong("in another format: "+format, holeSloppy, value)
		}
	}
	for name, value := range map[string]string{
		"bare base64":               plain,
		"a colon alone":             ":",
		"one colon before":          ":" + plain,
		"one colon behind":          plain + ":",
		"colons inside":             ":" + plain[:40] + ":" + plain[40:] + ":",
		"a space inside":            ":" + plain[:40] + " " + plain[40:] + ":",
		"a line end inside":         ":" + plain[:40] + "\r\n" + plain[40:] + ":",
		"the alphabet of base64url": ":" + base64.URLEncoding.EncodeToString(append(bytes.Clone(c.cert.Raw), 0xff, 0xff, 0xff)) + ":",
		"a parameter behind":        ":" + plain + ":;a=1",
		"quotes":                    `"` + plain + `"`,
		"something behind":          good + "x",
		"something before":          "x" + good,
		"half of it":                good[:len(good)/2],
		"a letter for a colon":      "M" + plain + ":",
		"a colon for a letter":      ":" + plain + "M",
		"PEM of another kind":       strings.ReplaceAll(escapedPEM(c.cert.Raw), "CERTIFICATE", "PUBLIC%20KEY"),
		"PEM twice":                 escapedPEM(c.cert.Raw) + escapedPEM(c.stranger.X509().Raw),
		"PEM with a header":         strings.Replace(escapedPEM(c.cert.Raw), "%0A", "%0AA%3A%20b%0A%0A", 1),
		"PEM behind a line":         "x%0A" + escapedPEM(c.cert.Raw),
		"PEM in front of a line":    escapedPEM(c.cert.Raw) + "x",
		"PEM that begins twice":     "-----BEGIN%20CERTIFICATE-----%0A" + escapedPEM(c.cert.Raw),
		"PEM that only begins":      strings.Split(escapedPEM(c.cert.Raw), "-----END")[0],
		"PEM that only ends":        strings.SplitN(escapedPEM(c.cert.Raw), "-----%0A", 2)[1],
		"a broken escape":           escapedPEM(c.cert.Raw) + "%zz",
	} {
		wrong(name, holeSloppy, value)
	}
}

// peers: the right header from an address that is not the proxy's.
func (c *certificateForger) peers() {
	if c.header == "" {
		return
	}
	proxy, _, err := net.SplitHostPort(c.good.RemoteAddr)
	if err != nil {
		proxy = c.good.RemoteAddr
	}
	for name, addr := range map[string]string{
		"another address": "203.0.113.66:4711", "another address of IPv6": "[2001:db8:666::1]:4711", "an address without a port": proxy,
		"no address": "", "a socket without an address": "@", "an address that is none": proxy + ".:4711", "several addresses": proxy + ":1, " + proxy + ":2",
	} {
		from := func(r *http.Request) *http.Request {
			r.RemoteAddr = addr
			return r
		}
		c.request("the proxy's header from "+name, reason.WrongCertificate, holeHeader, from)
		c.request("the proxy's header from "+name+" that claims to be the proxy", reason.WrongCertificate, holeHeader, func(r *http.Request) *http.Request {
			for _, field := range []string{"X-Forwarded-For", "X-Real-IP", "True-Client-IP", "X-Client-IP", "CF-Connecting-IP"} {
				r.Header.Set(field, proxy)
			}
			r.Header.Set("Forwarded", "for="+proxy)
			return from(r)
		})
	}
}

// thumbprints: tokens of a careless issuer, with the right certificate.
func (c *certificateForger) thumbprints() {
	right, digest := thumbprintOf(c.cert.Raw), thumbprintBytes(c.cert.Raw)
	sum := sha1.Sum(c.cert.Raw) //nolint:gosec // see the import
	minted := func(name string, why reason.Code, claims Claims) {
		token := c.iss.Token(slices.Concat(c.options, []TokenOption{claims})...)
		c.request("thumbprint: "+name, why, holeThumbprint, func(r *http.Request) *http.Request {
			r.Header.Set("Authorization", "Bearer "+token)
			return r
		})
	}
	for name, value := range map[string]any{
		"empty": "", "padded": right + "=", "in hex": hex.EncodeToString(digest), "in hex, with colons": strings.Repeat("ab:", 31) + "ab",
		"in base64": base64.StdEncoding.EncodeToString(digest), "of SHA-1": encode(string(sum[:])), "with a space": right + " ", "cut": right[:42], "longer": right + "A",
		"in an array": []string{right}, "in an object": map[string]any{"S256": right}, "a number": 1, "true": true, "with a line end": right[:42] + "\n", "with three line ends": right[:40] + "\n\n\n",
		"with spare bits": right[:42] + spareBit(right[42]),
	} {
		minted(name, reason.MalformedClaims, bound(value))
	}
	for name, value := range map[string]string{
		"of the public key": thumbprintOf(c.cert.RawSubjectPublicKeyInfo), "of the PEM text": thumbprintOf(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Raw})),
		"of the thumbprint": thumbprintOf([]byte(right)), "of nothing": thumbprintOf(nil), "of a stranger's": c.stranger.Thumbprint(), "zeros": encode(string(make([]byte, 32))),
	} {
		minted(name, reason.WrongCertificate, bound(value))
	}
	for name, member := range map[string]string{"lower case": "x5t#s256", "upper case": "X5T#S256", "of x5t": "x5t", "without the hash sign": "x5tS256"} {
		minted("by another name: "+name, reason.UnsupportedBinding, Claims{"cnf": map[string]any{member: right}})
	}
	minted("null", reason.UnsupportedBinding, bound(nil))
	minted("in place of cnf", reason.UnsupportedBinding, Claims{"cnf": right})
}

func thumbprintBytes(der []byte) []byte {
	raw, _ := base64.RawURLEncoding.DecodeString(thumbprintOf(der))
	return raw
}

// spareBit returns another last character that a lenient decoder reads like this one: it has two bits to spare.
func spareBit(last byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, last)|1:][:1]
}

// again returns a copy of a request that can be served once more.
func again(request *http.Request) *http.Request {
	r := request.Clone(request.Context())
	if request.GetBody != nil {
		if body, err := request.GetBody(); err == nil {
			r.Body = body
		}
	}
	return r
}
