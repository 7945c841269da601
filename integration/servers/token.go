package servers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Token asks for a token as a Go program does, by golang.org/x/oauth2, which
// authenticates by HTTP Basic. Parameters is Facts.Reads or the like.
func (f *Facts) Token(ctx context.Context, parameters url.Values) (string, error) {
	more := url.Values{}
	for name, values := range parameters {
		if name != "scope" {
			more[name] = values
		}
	}
	config := clientcredentials.Config{
		ClientID: f.ClientID, ClientSecret: f.Secret, TokenURL: f.TokenURL, AuthStyle: oauth2.AuthStyleInHeader,
		Scopes: strings.Fields(parameters.Get("scope")), EndpointParams: more,
	}
	token, err := config.Token(ctx)
	if err != nil {
		return "", err
	}
	if !strings.EqualFold(token.TokenType, "bearer") {
		return "", fmt.Errorf("token_type %q", token.TokenType)
	}
	return token.AccessToken, nil
}

// Curl asks for a token as a person does, by the program curl.
func (f *Facts) Curl(ctx context.Context, parameters url.Values, more ...string) (string, error) {
	args := []string{"--silent", "--show-error", "--max-time", "20", "--user", f.ClientID + ":" + f.Secret, "--data", "grant_type=client_credentials"}
	for name, values := range parameters {
		for _, value := range values {
			args = append(args, "--data-urlencode", name+"="+value)
		}
	}
	out, err := exec.CommandContext(ctx, "curl", slices.Concat(args, more, []string{f.TokenURL})...).Output() //nolint:gosec // G204: what the tests ask for
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(out, &answer); err != nil || answer.AccessToken == "" {
		return "", errors.Join(fmt.Errorf("answer %q", out), err)
	}
	return answer.AccessToken, nil
}

// Read decodes the header and the payload of a token, and checks nothing.
func Read(token string) (header, payload map[string]any, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil, fmt.Errorf("%d parts", len(parts))
	}
	for i, into := range []*map[string]any{&header, &payload} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(text, into); err != nil {
			return nil, nil, err
		}
	}
	return header, payload, nil
}

// Good reports whether the signature of a token is that of the key which its
// header names, as another library sees it and by the keys that the server
// publishes now.
func (f *Facts) Good(ctx context.Context, token string) (bool, error) {
	signed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		return false, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.JWKSURL, http.NoBody)
	if err != nil {
		return false, err
	}
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return false, err
	}
	defer func() { _ = response.Body.Close() }()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		return false, err
	}
	keys := set.Key(signed.Signatures[0].Header.KeyID)
	return slices.ContainsFunc(keys, func(k jose.JSONWebKey) bool {
		_, err := signed.Verify(k)
		return err == nil
	}), nil
}

// Bound asks for a token that is bound to a key by DPoP (RFC 9449 section 5).
func (f *Facts) Bound(ctx context.Context, parameters url.Values) (string, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, options)
	if err != nil {
		return "", err
	}
	proof, err := json.Marshal(map[string]any{"jti": rand.Text(), "htm": http.MethodPost, "htu": f.TokenURL, "iat": time.Now().Unix()})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(proof)
	if err != nil {
		return "", err
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		return "", err
	}
	return f.Curl(ctx, parameters, "--header", "DPoP: "+text)
}
