package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

const metadataPath = "/.well-known/oauth-protected-resource"

// refusedBy is a 401 of the second API: it names both schemes, that of the call
// first and with the error, if the token or the proof is to blame.
func (b *beyond) refusedBy(scheme, flaw, reason string) outcome {
	where := `, resource_metadata="` + b.api.URL() + metadataPath + `"`
	bearer := func(flaw string) string { return realm + flaw + where }
	dpop := func(flaw string) string {
		return `DPoP realm="orders"` + flaw + `, algs="ES256 EdDSA Ed25519 PS256 RS256"` + where
	}
	challenges := bearer(flaw) + ", " + dpop("")
	if scheme == "DPoP" {
		challenges = dpop(flaw) + ", " + bearer("")
	}
	return outcome{http.StatusUnauthorized, challenges, false, reason}
}

const (
	aboutBearer = `, error="invalid_token"` //nolint:gosec // G101: a part of a challenge
	aboutProof  = `, error="invalid_dpop_proof"`
)

// metadata plays a client that finds out how the API is called.
func (b *beyond) metadata(ctx context.Context) {
	at := func(method string) call { return call{"anyone", method, metadataPath, "", ""} }
	b.call(ctx, get("no token", "/orders", ""), caller{}, b.refusedBy("Bearer", "", "no_token"), "the challenge says where")
	a := b.call(ctx, at(http.MethodGet), caller{}, accepted(http.StatusOK), "application/json")
	b.show(ctx, at(http.MethodGet), a, b.checkMetadata(a.body), accepted(http.StatusOK), "it says what holds here")
	b.call(ctx, at(http.MethodHead), caller{}, accepted(http.StatusOK), "its header alone")
	b.call(ctx, at(http.MethodOptions), caller{}, accepted(http.StatusNoContent), "a browser may ask")
	b.call(ctx, at(http.MethodPost), caller{}, outcome{status: http.StatusMethodNotAllowed}, "it is only read")
}

// checkMetadata compares what the metadata says with how the API is served.
func (b *beyond) checkMetadata(body []byte) error {
	var got struct {
		Resource     string
		Servers      []string `json:"authorization_servers"`
		Scopes       []string `json:"scopes_supported"`
		Algorithms   []string `json:"dpop_signing_alg_values_supported"`
		Certificates bool     `json:"tls_client_certificate_bound_access_tokens"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return err
	}
	switch {
	case got.Resource != b.api.URL():
		return fmt.Errorf("promised the resource %s, got %q", b.api.URL(), got.Resource)
	case len(got.Servers) != len(b.api.Config.Issuers) || !slices.Contains(got.Servers, b.issuer.Issuer):
		return fmt.Errorf("promised the issuers, got %q", got.Servers)
	case !slices.Contains(got.Scopes, "get") || !slices.Contains(got.Scopes, "delete"):
		return fmt.Errorf("promised the scopes of the rules, got %q", got.Scopes)
	case !slices.Contains(got.Algorithms, "ES256") || !got.Certificates:
		return fmt.Errorf("promised what binds a token, got %q and %v", got.Algorithms, got.Certificates)
	}
	return nil
}

// nonces plays a client that learns the nonce of the API.
func (b *beyond) nonces(ctx context.Context) {
	c := get("all", "/orders", b.tokenWith(ctx, nil, b.own))
	asked := b.refusedBy("DPoP", `, error="use_dpop_nonce"`, "use_dpop_nonce")
	b.call(ctx, c, b.proofBy(b.own, c, jwkstest.Claims{"nonce": nil}), asked, "a proof without a nonce")
	b.call(ctx, c, b.proofBy(b.own, c, jwkstest.Claims{"nonce": "made-up"}), asked, "one that was made up")
	b.call(ctx, c, b.proofBy(b.own, c), accepted(http.StatusOK), "with the nonce of the answer")
}

// proofs plays who has a token, and not its key.
func (b *beyond) proofs(ctx context.Context) {
	c := get("all", "/orders", b.tokenWith(ctx, nil, b.own))
	used := b.proofBy(b.own, c)
	b.call(ctx, c, used, accepted(http.StatusOK), "with a proof")
	b.call(ctx, c, used, b.refusedBy("DPoP", aboutProof, "replayed_dpop_proof"), "log: replayed_dpop_proof")
	c.who = "thief"
	b.call(ctx, c, b.proofBy(b.other, c), b.refusedBy("DPoP", aboutBearer, "unsupported_binding"), "with a key of its own")
	b.call(ctx, c, caller{}, b.refusedBy("Bearer", aboutBearer, "unsupported_binding"), "as a bearer token")
	other := c
	other.method = http.MethodPost
	b.call(ctx, c, b.proofBy(b.own, other), b.refusedBy("DPoP", aboutProof, "invalid_dpop_proof"), "with a proof for a POST")
}

// certificates plays a token that was stolen by another client of the CA.
func (b *beyond) certificates(ctx context.Context) {
	token := b.tokenWith(ctx, thumbprint(b.partner), nil)
	b.call(ctx, get("partner", "/orders", token), caller{cert: &b.partner}, accepted(http.StatusOK), "with its certificate")
	b.call(ctx, get("thief", "/orders", token), caller{cert: &b.thief}, b.refusedBy("Bearer", aboutBearer, "wrong_certificate"), "with its own")
	b.call(ctx, get("thief", "/orders", token), caller{}, b.refusedBy("Bearer", aboutBearer, "wrong_certificate"), "with none")
}

// opaque plays tokens that only the issuer can read.
func (b *beyond) opaque(ctx context.Context) {
	query := url.Values{"dev_format": {"opaque"}}
	b.call(ctx, get("all", "/orders", b.tokenWith(ctx, query, nil)), caller{}, accepted(http.StatusOK), "the issuer knows it")
	b.call(ctx, get("made up", "/orders", "made-up"), caller{}, b.refusedBy("Bearer", aboutBearer, "inactive"), "the issuer does not")
	c := get("all", "/orders", b.tokenWith(ctx, query, b.own))
	b.call(ctx, c, b.proofBy(b.own, c), accepted(http.StatusOK), "bound to a key, with a proof")
	c.who = "thief"
	b.call(ctx, c, caller{}, b.refusedBy("Bearer", aboutBearer, "unsupported_binding"), "as a bearer token")
}

// stepUp plays a call that wants a stronger login than others.
func (b *beyond) stepUp(ctx context.Context) {
	want := `, error="insufficient_user_authentication", acr_values="` + stepUp + `"`
	weak := b.tokenWith(ctx, nil, nil)
	b.call(ctx, get("all", "/orders", weak), caller{}, accepted(http.StatusOK), "reading wants no more than a token")
	post := call{"all", http.MethodPost, "/orders", weak, `{"item":"tea"}`}
	b.call(ctx, post, caller{}, b.refusedBy("Bearer", want, "insufficient_user_authentication"), "no word of the login")
	post.token = b.tokenWith(ctx, url.Values{"dev_acr": {stepUp}}, nil)
	b.call(ctx, post, caller{}, accepted(http.StatusCreated), "after a login with "+stepUp)
}

// denylist plays a token that is withdrawn while it is good.
func (b *beyond) denylist(ctx context.Context) {
	c := get("all", "/orders", b.tokenWith(ctx, nil, nil))
	b.call(ctx, c, caller{}, accepted(http.StatusOK), "before")
	line := fmt.Sprintf("client %s orders-all %s\n", b.issuer.Issuer, time.Now().Add(time.Second).UTC().Format(time.RFC3339))
	if err := os.WriteFile(filepath.Join(b.dir, "denied"), []byte(line), 0o600); err != nil {
		b.show(ctx, c, answer{}, err, outcome{}, "")
		return
	}
	begun := time.Now()
	for time.Since(begun) < patience { // the file is looked at once a second
		if a, err := b.sendBy(ctx, c, caller{}); err != nil || a.status != http.StatusOK {
			break
		}
		wait(ctx, 50*time.Millisecond)
	}
	b.call(ctx, c, caller{}, b.refusedBy("Bearer", aboutBearer, "revoked"), fmt.Sprintf("by a line of the file, %.1f s later", time.Since(begun).Seconds()))
}
