package devauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // x5t is a SHA-1 thumbprint by definition (RFC 7517 section 4.8)
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

const (
	defaultScope = ".default"

	// Entra's clock: iat and nbf lie five minutes back, expires_in says a
	// second less than the token lives.
	okq8Backdating = 5 * time.Minute
	okq8Lifetime   = time.Hour
	okq8ExpiresIn  = 3599
)

// okq8Spec is an Entra tenant. That its v2.0 token endpoint hands out v1.0
// tokens is no slip: the API's manifest decides the version.
var okq8Spec = spec{
	scheme: OKQ8, path: "/" + Tenant + "/", tokenPath: "/" + Tenant + "/oauth2/v2.0/token", jwksPath: "/" + Tenant + "/discovery/v2.0/keys",
	alg: "RS256", typ: "JWT", auth: "client_secret_post", audiences: okq8Audiences, jwk: byCertificate, claims: okq8Claims,
}

func okq8Claims(iss string, c Client, audience string, levels []string, at time.Time) (jwkstest.Claims, time.Time) {
	back, exp := at.Add(-okq8Backdating), at.Add(okq8Lifetime)
	claims := jwkstest.Claims{
		"aud": audience, "iat": back, "nbf": back, "exp": exp, "aio": "E2Z" + randomID(), "appid": c.ID, "appidacr": "1",
		"idp": iss, "idtyp": "app", "oid": c.ObjectID, "rh": "0." + randomID(), "sub": c.ObjectID, "tid": Tenant, "uti": randomID(), "ver": "1.0",
	}
	if len(levels) > 0 { // an app without a role has no such claim
		claims["roles"] = levels
	}
	return claims, exp
}

// byCertificate names a key as Entra does: by the SHA-1 thumbprint of its
// certificate, and without an alg.
func byCertificate(pub crypto.PublicKey) jwkstest.JWK {
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(randomBytes(16)),
		Subject:      pkix.Name{CommonName: "devauth.localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(5, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // signs this one certificate
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pub, authority)
	if err != nil { // cannot happen: the kit makes RSA keys
		panic(err)
	}
	sum := sha1.Sum(der) //nolint:gosec // see the import
	x5t := base64.RawURLEncoding.EncodeToString(sum[:])
	return jwkstest.JWK{"kid": x5t, "x5t": x5t, "x5c": []string{base64.StdEncoding.EncodeToString(der)}, "alg": nil}
}

func (s *Server) okq8Grant(w http.ResponseWriter, r *http.Request, want want) (*tokenAnswer, *refusal) {
	c, scope, refused := s.okq8Request(r)
	if refused != nil {
		return nil, refused
	}
	levels, refused := okq8Levels(scope)
	if refused != nil {
		return nil, refused
	}
	audience := okq8Audiences[0]
	okq8Headers(w)
	token := s.issuers[0].issue(c, audience, c.granted(levels), s.now(), want).token
	return &tokenAnswer{AccessToken: token, ExpiresIn: okq8ExpiresIn, ExtExpiresIn: okq8ExpiresIn, client: c.Name, audience: audience}, nil
}

func okq8Headers(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.Header().Set("Expires", "-1")
}

// okq8Request checks everything but the scope's value.
func (s *Server) okq8Request(r *http.Request) (c Client, scope string, refused *refusal) {
	if !strings.EqualFold(r.PathValue("tenant"), Tenant) {
		return c, "", entra(90002, http.StatusBadRequest, "invalid_request", "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.")
	}
	form, refused := readForm(r) // empty if it is none: Entra reads nothing but forms, and then misses grant_type
	if refused != nil {
		return c, "", refused
	}
	switch {
	case form.Get("grant_type") == "":
		return c, "", entra(900144, http.StatusBadRequest, "invalid_request", "The request body must contain the following parameter: 'grant_type'.")
	case form.Get("grant_type") != clientCredentials:
		return c, "", entra(70003, http.StatusBadRequest, "unsupported_grant_type", "The app requested an unsupported grant type.")
	case form.Get("client_id") == "":
		return c, "", entra(900144, http.StatusBadRequest, "invalid_request", "The request body must contain the following parameter: 'client_id'.")
	case form.Get("client_secret") == "":
		return c, "", entra(7000216, http.StatusUnauthorized, "invalid_client", "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.")
	}
	c, known, ok := s.authenticate(OKQ8, form.Get("client_id"), form.Get("client_secret"))
	switch {
	case !known:
		return c, "", entra(700016, http.StatusBadRequest, "unauthorized_client", "The application was not found in the directory. This can happen if it has not been installed by the administrator of the tenant. You may have sent your authentication request to the wrong tenant.")
	case !ok:
		return c, "", entra(7000215, http.StatusUnauthorized, "invalid_client", "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.")
	case form.Get("scope") == "":
		return c, "", entra(90014, http.StatusBadRequest, "invalid_request", "The required field 'scope' is missing from the credential. Ensure that you have all the necessary parameters for the login request.")
	}
	return c, form.Get("scope"), nil
}

// okq8Levels reads the requested scope: the resource's /.default, which means
// everything granted, or its access levels by name, as OKQ8's page documents.
// Real Entra refuses every scope but /.default in client credentials
// (AADSTS1002012). A level asked for and not granted is left out of the token,
// as Entra leaves out roles; the API then answers 403.
func okq8Levels(scope string) ([]string, *refusal) {
	var levels []string
	scopes := strings.Fields(scope)
	for _, one := range scopes {
		slash := strings.LastIndexByte(one, '/')
		if slash < 0 {
			return nil, entra(1002012, http.StatusBadRequest, "invalid_scope", "The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).")
		}
		if one[:slash] != okq8Audiences[0] {
			return nil, entra(500011, http.StatusBadRequest, "invalid_resource", "The resource principal was not found in the tenant. This can happen if the application has not been installed by the administrator of the tenant. You might have sent your authentication request to the wrong tenant.")
		}
		level := one[slash+1:]
		if level == defaultScope && len(scopes) == 1 {
			return allLevels, nil
		}
		if !slices.Contains(allLevels, level) {
			return nil, entra(70011, http.StatusBadRequest, "invalid_scope", "The provided value for the input parameter 'scope' is not valid. The scope is .default alone, or get, post, put and delete, each behind the resource.")
		}
		levels = append(levels, level)
	}
	return levels, nil
}

// entra is a refusal with Entra's number. Numbers, OAuth codes and texts are
// those of Microsoft's list of AADSTS codes and of published answers, without
// what Entra repeats of the request: names of clients, tenants, resources and
// scopes.
func entra(code, status int, oauthCode, description string) *refusal {
	return &refusal{status: status, code: oauthCode, description: description, aadsts: code}
}

// refuseAsEntra writes the documented error answer of Entra's token endpoint.
func (s *Server) refuseAsEntra(w http.ResponseWriter, r *refusal) {
	switch {
	case r == notPost:
		r = entra(900561, r.status, r.code, "The endpoint only accepts POST requests.")
	case r == duplicated:
		r = entra(9000411, r.status, r.code, "The request is not properly formatted. A parameter is duplicated.")
	case r.aadsts == 0:
		r = entra(90023, r.status, r.code, "The authentication service request isn't valid: "+r.description+".")
	}
	okq8Headers(w)
	timestamp := s.now().UTC().Format("2006-01-02 15:04:05Z")
	trace, correlation := randomUUID(), randomUUID()
	writeJSON(w, r.status, struct {
		Error         string `json:"error"`
		Description   string `json:"error_description"`
		Codes         []int  `json:"error_codes"`
		Timestamp     string `json:"timestamp"`
		TraceID       string `json:"trace_id"`
		CorrelationID string `json:"correlation_id"`
	}{
		r.code, fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", r.aadsts, r.description, trace, correlation, timestamp),
		[]int{r.aadsts},
		timestamp, trace, correlation,
	})
}

// randomUUID is a version 4 UUID (RFC 9562 section 5.4).
func randomUUID() string {
	b := randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
