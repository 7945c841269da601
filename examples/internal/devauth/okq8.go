package devauth

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	clientCredentials = "client_credentials"
	defaultScope      = ".default"

	// Entra's clock: iat and nbf lie five minutes back, expires_in says a
	// second less than the token lives.
	okq8Backdating = 5 * time.Minute
	okq8Lifetime   = time.Hour
	okq8ExpiresIn  = 3599
)

// okq8Issuer is an Entra tenant. That its v2.0 token endpoint hands out v1.0
// tokens is no slip: the API's manifest decides the version.
func okq8Issuer(base string) *issuer {
	tenant := "/" + Tenant
	return &issuer{
		info:   endpoints(base, OKQ8, tenant+"/", tenant+"/oauth2/v2.0/token", tenant+"/discovery/v2.0/keys", rs256, okq8Audiences),
		typ:    "JWT",
		auth:   "client_secret_post",
		claims: okq8Claims,
	}
}

type entraClaims struct {
	Aud      string   `json:"aud"`
	Iss      string   `json:"iss"`
	Iat      int64    `json:"iat"`
	Nbf      int64    `json:"nbf"`
	Exp      int64    `json:"exp"`
	Aio      string   `json:"aio"`
	AppID    string   `json:"appid"`
	AppIDAcr string   `json:"appidacr"`
	Idp      string   `json:"idp"`
	IDTyp    string   `json:"idtyp"`
	Oid      string   `json:"oid"`
	Rh       string   `json:"rh"`
	Roles    []string `json:"roles,omitempty"` // an app without a role has no such claim
	Sub      string   `json:"sub"`
	Tid      string   `json:"tid"`
	Uti      string   `json:"uti"`
	Ver      string   `json:"ver"`
}

func okq8Claims(iss string, c Client, audience string, levels []string, at time.Time) (any, time.Time) {
	back, exp := at.Add(-okq8Backdating).Unix(), at.Add(okq8Lifetime)
	return entraClaims{
		Aud: audience, Iss: iss, Iat: back, Nbf: back, Exp: exp.Unix(),
		Aio: "E2Z" + randomID(), AppID: c.ID, AppIDAcr: "1", Idp: iss, IDTyp: "app",
		Oid: c.ObjectID, Rh: "0." + randomID(), Roles: levels, Sub: c.ObjectID,
		Tid: Tenant, Uti: randomID(), Ver: "1.0",
	}, exp
}

func (s *Server) okq8Token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Expires", "-1")
	answer, refused := s.okq8Grant(w, r)
	if refused != nil {
		s.refusedToken(OKQ8, refused)
		s.writeEntraError(w, refused)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) okq8Grant(w http.ResponseWriter, r *http.Request) (*tokenAnswer, *refusal) {
	c, scope, refused := s.okq8Request(w, r)
	if refused != nil {
		return nil, refused
	}
	levels, refused := okq8Levels(scope)
	if refused != nil {
		return nil, refused
	}
	i, err := s.issuer(OKQ8)
	if err != nil {
		return nil, s.serverError(err)
	}
	audience := i.info.Audiences[0]
	token, err := i.issue(c, audience, c.granted(levels), s.now())
	if err != nil {
		return nil, s.serverError(err)
	}
	s.grantedToken(c, audience)
	return &tokenAnswer{AccessToken: token.token, TokenType: "Bearer", ExpiresIn: okq8ExpiresIn, ExtExpiresIn: okq8ExpiresIn}, nil
}

// okq8Request checks everything but the scope's value.
func (s *Server) okq8Request(w http.ResponseWriter, r *http.Request) (c Client, scope string, refused *refusal) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return c, "", entra(900561, http.StatusMethodNotAllowed, "invalid_request", "The endpoint only accepts POST requests.")
	}
	if !strings.EqualFold(r.PathValue("tenant"), Tenant) {
		return c, "", entra(90002, http.StatusBadRequest, "invalid_request", "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.")
	}
	form, refused := readForm(w, r)
	if refused != nil {
		return c, "", asEntra(refused)
	}
	if mediaType(r) != typeForm {
		form = nil // Entra reads nothing but forms, and then misses grant_type
	}
	switch form.Get("grant_type") {
	case clientCredentials:
	case "":
		return c, "", entra(900144, http.StatusBadRequest, "invalid_request", "The request body must contain the following parameter: 'grant_type'.")
	default:
		return c, "", entra(70003, http.StatusBadRequest, "unsupported_grant_type", "The app requested an unsupported grant type.")
	}
	if form.Get("client_id") == "" {
		return c, "", entra(900144, http.StatusBadRequest, "invalid_request", "The request body must contain the following parameter: 'client_id'.")
	}
	if form.Get("client_secret") == "" {
		return c, "", entra(7000216, http.StatusUnauthorized, "invalid_client", "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.")
	}
	c, known, ok := s.clients.verify(OKQ8, form.Get("client_id"), form.Get("client_secret"))
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

// okq8Levels reads the requested scope: the resource's /.default, which stands
// for everything granted, or its access levels by name, as OKQ8's page
// documents. Real Entra refuses every scope but /.default in client
// credentials (AADSTS1002012). A level asked for and not granted is left out of
// the token, as Entra leaves out roles; the API then answers 403.
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
