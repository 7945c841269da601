package devauth

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// Scheme names one of the three token requests that the server answers.
type Scheme string

// The schemes. The value is also the {scheme} of the /dev paths.
const (
	OKQ8      Scheme = "okq8"
	Messaging Scheme = "messaging"
	Bokbasen  Scheme = "bokbasen"
)

// Schemes are all of them, in the order of [Server.Issuers]. Do not change it.
var Schemes = []Scheme{OKQ8, Messaging, Bokbasen}

// IssuerInfo is what a resource server, or a person, needs to know about one
// of the issuers.
type IssuerInfo struct {
	Scheme    Scheme   `json:"scheme"`
	Issuer    string   `json:"issuer"` // exactly the tokens' iss
	Audiences []string `json:"audiences"`
	Algorithm string   `json:"algorithm"`

	TokenURL     string `json:"token_endpoint"`
	DiscoveryURL string `json:"discovery"` // OpenID Connect Discovery 1.0 section 4
	MetadataURL  string `json:"metadata"`  // RFC 8414 section 3
	JWKSURL      string `json:"jwks_uri"`

	// For [Server.ResourceServer], and for the client that a token was issued to.
	IntrospectionURL string `json:"introspection_endpoint"`
	RevocationURL    string `json:"revocation_endpoint"`
}

// spec is what makes a scheme's issuer.
type spec struct {
	scheme                    Scheme
	path, tokenPath, jwksPath string
	alg, typ, auth            string
	audiences                 []string
	jwk                       func(crypto.PublicKey) jwkstest.JWK
	claims                    func(iss string, c Client, audience string, levels []string, at time.Time) (claims jwkstest.Claims, exp time.Time)
}

// maxKeys bounds a JWKS: rotations without retirement must end somewhere.
const maxKeys = 16

// bothWays are how clients may authenticate beside the three schemes.
var bothWays = []string{"client_secret_basic", "client_secret_post"}

// issuer is one scheme's issuer. A key moves one way: it is published as next,
// then signs, then stays published for the tokens it signed, then is retired.
// It is safe for concurrent use.
type issuer struct {
	spec
	info     IssuerInfo
	kit      *jwkstest.Issuer
	register register

	mu      sync.Mutex
	next    *jwkstest.Key // published, not signing yet; often nil
	lastExp map[string]time.Time
	down    bool
}

// keyState is what an issuer publishes and what it signs with, by kid.
type keyState struct {
	Signing  string   `json:"signing"`
	Next     string   `json:"next,omitempty"`
	Previous []string `json:"previous"`
}

// newIssuer makes an issuer without a socket: document serves it. Both metadata
// paths drop the issuer's closing slash first: OpenID Connect Discovery appends
// the well-known part, RFC 8414 inserts it between host and path.
func newIssuer(base string, sp spec) *issuer {
	path := strings.TrimSuffix(sp.path, "/")
	dev := base + "/dev/" + string(sp.scheme)
	i := &issuer{spec: sp, lastExp: map[string]time.Time{}, register: register{tokens: map[[sha256.Size]byte]registered{}}, info: IssuerInfo{
		Scheme: sp.scheme, Issuer: base + sp.path, Audiences: sp.audiences, Algorithm: sp.alg,
		TokenURL:     base + sp.tokenPath,
		DiscoveryURL: base + path + "/.well-known/openid-configuration",
		MetadataURL:  base + "/.well-known/oauth-authorization-server" + path,
		JWKSURL:      base + sp.jwksPath,

		IntrospectionURL: dev + "/introspect", RevocationURL: dev + "/revoke",
	}}
	i.kit = jwkstest.Start(
		jwkstest.WithoutServer(), jwkstest.WithName(i.info.Issuer), jwkstest.WithAlgorithm(sp.alg), jwkstest.WithJWK(sp.jwk),
		jwkstest.Claims{"client_id": nil, "jti": nil}, // of RFC 9068, which two schemes do not follow
		jwkstest.Metadata{
			"token_endpoint": i.info.TokenURL, "jwks_uri": i.info.JWKSURL, "authorization_endpoint": nil,
			"grant_types_supported": []string{clientCredentials}, "response_types_supported": []string{"none"},
			"token_endpoint_auth_methods_supported": []string{sp.auth},

			"introspection_endpoint": i.info.IntrospectionURL, "introspection_endpoint_auth_methods_supported": bothWays,
			"revocation_endpoint": i.info.RevocationURL, "revocation_endpoint_auth_methods_supported": bothWays,
			"dpop_signing_alg_values_supported": proofAlgorithms, "tls_client_certificate_bound_access_tokens": true,
		})
	i.kit.SetCacheControl("public, max-age=300")
	return i
}

// byDigest names a key by a digest of its public half.
func byDigest(pub crypto.PublicKey) jwkstest.JWK {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil { // cannot happen: the kit makes RSA and EC keys
		panic(err)
	}
	sum := sha256.Sum256(der)
	return jwkstest.JWK{"kid": base64.RawURLEncoding.EncodeToString(sum[:])}
}

// document serves one of the kit's documents wherever the request came in.
func (i *issuer) document(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		inner := r.Clone(r.Context())
		inner.URL = &url.URL{Path: path}
		answer := httptest.NewRecorder()
		i.kit.Handler().ServeHTTP(answer, inner)
		maps.Copy(w.Header(), answer.Header())
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}
}

// issued is a token with what the server remembers about it.
type issued struct {
	token string
	kid   string
	exp   time.Time
}

// issue signs a token for c as of the given time. An opaque one is a random
// string that stands for what was signed.
func (i *issuer) issue(c Client, audience string, levels []string, at time.Time, want want) issued {
	claims, exp := i.claims(i.info.Issuer, c, audience, levels, at)
	want.bind(claims)
	i.mu.Lock()
	defer i.mu.Unlock()
	key := i.kit.Key()
	if exp.After(i.lastExp[key.ID()]) {
		i.lastExp[key.ID()] = exp
	}
	header := jwkstest.Header{"typ": i.typ, "x5t": key.JWK()["x5t"]}
	token := i.kit.Token(jwkstest.WithKey(key), claims, header)
	entry := registered{client: c.ID, claims: payloadOf(token), exp: exp}
	if want.opaque {
		token = base64.RawURLEncoding.EncodeToString(randomBytes(32))
	}
	i.register.add(token, entry, at)
	return issued{token, key.ID(), exp}
}

// stands reports whether a token was not revoked.
func (i *issuer) stands(token string, now time.Time) bool {
	_, ok := i.register.active(token, now)
	return ok
}

func (i *issuer) publishes(kid string) bool {
	return slices.ContainsFunc(i.kit.Published(), func(k *jwkstest.Key) bool { return k.ID() == kid })
}

func (i *issuer) state() (keys keyState, down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	keys = keyState{Signing: i.kit.Key().ID(), Previous: i.previous()}
	if i.next != nil {
		keys.Next = i.next.ID()
	}
	return keys, i.down
}

// previous returns the kids that are published and sign no more; i.mu is held.
func (i *issuer) previous() []string {
	kids := []string{}
	for _, k := range i.kit.Published() {
		if k != i.kit.Key() && k != i.next {
			kids = append(kids, k.ID())
		}
	}
	return kids
}

// rotate takes one step. A careful server publishes, waits until every resource
// server has fetched, signs, waits until the old tokens are gone, and retires.
func (i *issuer) rotate(step string, now time.Time) *refusal {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch step {
	case "publish":
		return i.publish()
	case "sign":
		if i.next == nil {
			return conflict("no next key is published: publish one first")
		}
		i.sign()
	case "": // with the key that waits, or a new one
		if i.next == nil {
			if refused := i.publish(); refused != nil {
				return refused
			}
		}
		i.sign()
	case "retire", "retire-now":
		return i.retire(now, step == "retire-now")
	default:
		return badRequest("there is no such step of a rotation: use publish, sign, retire, retire-now or none at all")
	}
	return nil
}

func conflict(description string) *refusal {
	return &refusal{status: http.StatusConflict, code: "conflict", description: description}
}

func (i *issuer) publish() *refusal {
	if i.next != nil {
		return conflict("a next key is published already: sign with it first")
	}
	if len(i.kit.Published()) >= maxKeys {
		return conflict(fmt.Sprintf("%d keys are published: retire old ones first", maxKeys))
	}
	i.next = i.kit.NewKey(i.alg)
	i.kit.Publish(i.next)
	return nil
}

func (i *issuer) sign() {
	i.kit.Use(i.next)
	i.next = nil
}

// retire withdraws the keys that sign no more. Unless forced it withdraws none
// while a token signed with one of them is valid.
func (i *issuer) retire(now time.Time, force bool) *refusal {
	kids := i.previous()
	for _, kid := range kids {
		if exp := i.lastExp[kid]; !force && now.Before(exp) {
			return conflict("tokens of an old key are valid until " + exp.UTC().Format(time.RFC3339) + ": wait, or use step=retire-now")
		}
	}
	for _, kid := range kids {
		i.kit.Remove(kid)
		delete(i.lastExp, kid)
	}
	return nil
}

func (i *issuer) setDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
	if !down {
		i.kit.Restore()
		return
	}
	i.kit.Serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		refuse(w, &refusal{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", description: "this issuer is down: POST /dev/outage?state=off ends it"})
	})
}

// Issuers lists the three issuers. Their audiences are the server's own.
func (s *Server) Issuers() []IssuerInfo {
	infos := make([]IssuerInfo, len(s.issuers))
	for n, i := range s.issuers {
		infos[n] = i.info
	}
	return infos
}

// Flaw is what is wrong with a token made by [Server.Mint].
type Flaw string

// The flaws. Each token is sound but for its one flaw.
const (
	Sound         Flaw = ""
	Expired       Flaw = "expired"        // expired an hour ago
	OtherAudience Flaw = "other audience" // meant for another API
	Tampered      Flaw = "tampered"       // payload changed after signing, to all levels
)

// Mint makes a token for a client, by name or id, and its first audience. It
// takes no token request, and carries all that is granted and one flaw.
func (s *Server) Mint(scheme Scheme, who string, flaw Flaw) (string, error) {
	c, err := s.Client(scheme, who)
	if err != nil {
		return "", err
	}
	i := s.issuers[slices.Index(Schemes, scheme)]
	audience, at := c.Audiences[0], s.now()
	switch flaw {
	case Sound:
	case Expired:
		_, exp := i.claims(i.info.Issuer, c, audience, nil, at)
		at = at.Add(-exp.Sub(at) - time.Hour)
	case OtherAudience:
		audience = "https://api.elsewhere.example/"
	case Tampered: // dating the payload a minute back makes it another one in any case
		sound := strings.Split(i.issue(c, audience, c.Levels, at, want{}).token, ".")
		more := strings.Split(i.issue(c, audience, allLevels, at.Add(-time.Minute), want{}).token, ".")
		return sound[0] + "." + more[1] + "." + sound[2], nil
	default:
		return "", fmt.Errorf("devauth: no flaw %q: use %q, %q, %q or none", flaw, Expired, OtherAudience, Tampered)
	}
	return i.issue(c, audience, c.Levels, at, want{}).token, nil
}
