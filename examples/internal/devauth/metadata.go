package devauth

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
)

// cacheKeys lets a resource server keep metadata and keys for five minutes.
const cacheKeys = "public, max-age=300"

// metadata serves one document for OpenID Connect Discovery and RFC 8414.
func (s *Server) metadata(i *issuer) http.Handler {
	document := struct {
		Issuer        string   `json:"issuer"`
		TokenEndpoint string   `json:"token_endpoint"`
		JWKSURI       string   `json:"jwks_uri"`
		GrantTypes    []string `json:"grant_types_supported"`
		ResponseTypes []string `json:"response_types_supported"` // required by both; there is no authorization endpoint
		AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
		SubjectTypes  []string `json:"subject_types_supported"`
		SigningAlgs   []string `json:"id_token_signing_alg_values_supported"`
	}{
		Issuer:        i.info.Issuer,
		TokenEndpoint: i.info.TokenURL,
		JWKSURI:       i.info.JWKSURL,
		GrantTypes:    []string{clientCredentials},
		ResponseTypes: []string{"none"},
		AuthMethods:   []string{i.auth},
		SubjectTypes:  []string{"public"},
		SigningAlgs:   []string{i.info.Algorithm},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheKeys)
		writeJSON(w, http.StatusOK, document)
	})
}

// jwks serves the published keys (RFC 7517, section 5) with an ETag.
func (s *Server) jwks(i *issuer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set := struct {
			Keys []jwk `json:"keys"`
		}{i.keys.published()}
		tag, err := entityTag(set)
		if err != nil {
			writeProblem(w, http.StatusInternalServerError, "server_error", "the keys could not be written")
			return
		}
		w.Header().Set("Cache-Control", cacheKeys)
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		writeJSON(w, http.StatusOK, set)
	})
}

func entityTag(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return `"` + b64.EncodeToString(sum[:12]) + `"`, nil
}
