package servers

import (
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/daemon"
	"github.com/sallyport-go/sallyport/integration/internal/process"
)

// The database's schema of the Debian package, with an administrator.
const glewlwydSchema = "/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz"

// external_url has no slash at the end: the paths are appended as they are.
const glewlwydConfig = `port=%s
bind_address="127.0.0.1"
external_url="http://%s"
api_prefix="api"
static_files_path="/usr/share/glewlwyd/webapp/"
allow_origin="*"
login_url="login.html"
log_mode="console"
log_level="WARNING"
log_file="glewlwyd.log"
cookie_domain="127.0.0.1"
cookie_secure=0
session_expiration=2419200
session_key="GLEWLWYD2_SESSION_ID"
admin_session_authentication="cookie"
profile_session_authentication="cookie"
allow_multiple_user_per_session=true
login_api_enabled=true
add_x_frame_option_header_deny=true
max_post_size=16778240
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
user_middleware_module_path="/usr/lib/glewlwyd/user_middleware"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
use_secure_connection=false
secure_connection_key_file="/etc/ssl/certs/cert.key"
secure_connection_pem_file="/etc/ssl/certs/cert.pem"
secure_connection_ca_file="/etc/ssl/certs/ca.crt"
hash_algorithm = "SHA512"
database =
{
  type = "sqlite3"
  path = "%s"
};
`

// A resource that is not a URL is an invalid_target.
const glewlwydAudience = "https://orders.example"

// glewlwyd is Debian's glewlwyd with the OpenID Connect plugin.
type glewlwyd struct {
	facts   Facts
	program string
	dir     string
	address string
	api     string
	admin   *http.Client
	keys    []jose.JSONWebKey // private, the one that signs first
	process *process.Process
}

func newGlewlwyd(t *testing.T) Server {
	t.Helper()
	program, err := exec.LookPath("glewlwyd")
	if err != nil {
		Report.Missing(t, Glewlwyd, "no program glewlwyd")
	}
	sqlite, err := exec.LookPath("sqlite3")
	if err != nil {
		Report.Missing(t, Glewlwyd, "no program sqlite3")
	}
	schema, err := os.Open(glewlwydSchema)
	if err != nil {
		Report.Missing(t, Glewlwyd, "no "+glewlwydSchema)
	}
	defer schema.Close() //nolint:errcheck // it was read
	sql, err := gzip.NewReader(schema)
	require.NoError(t, err)

	address := process.FreeAddr(t)
	g := &glewlwyd{program: program, dir: t.TempDir(), address: address}
	g.api = "http://" + address + "/api"
	g.facts = Facts{
		Issuer: "http://" + address, Audience: glewlwydAudience, TokenURL: g.api + "/oidc/token", JWKSURL: g.api + "/oidc/jwks", Undiscoverable: true,
		ClientID: daemon.Reader, Secret: daemon.ReaderSecret,
		Reads: asking("get", "resource", glewlwydAudience), Writes: asking("post", "resource", glewlwydAudience),
	}
	database := filepath.Join(g.dir, "glewlwyd.db")
	load := exec.CommandContext(t.Context(), sqlite, database) //nolint:gosec // G204: the program that was found
	load.Stdin = sql
	out, err := load.CombinedOutput()
	require.NoError(t, err, string(out))
	config := fmt.Sprintf(glewlwydConfig, port(address), address, database)
	require.NoError(t, os.WriteFile(filepath.Join(g.dir, "glewlwyd.conf"), []byte(config), 0o600))
	return g
}

// Facts implements Server.
func (g *glewlwyd) Facts() Facts { return g.facts }

// Start implements Server.
func (g *glewlwyd) Start(t *testing.T) {
	t.Helper()
	g.process = process.Start(t, g.dir, nil, g.program, "--config-file=glewlwyd.conf")
	if g.keys == nil {
		g.setUp(t)
	}
	g.process.Await(t, "its keys", func() bool { return process.Answers(g.facts.JWKSURL) })
}

// Stop implements Server.
func (g *glewlwyd) Stop() { g.process.Stop() }

// Rotate stores the new keys and starts the server again: told to reset the
// plugin while it answers token requests, this version crashes.
func (g *glewlwyd) Rotate(t *testing.T, alg string) {
	t.Helper()
	g.store(t, alg)
	g.Stop()
	g.Start(t)
}

// Reset stores a new key and makes the running server take it.
func (g *glewlwyd) Reset(t *testing.T, alg string) {
	t.Helper()
	g.store(t, alg)
	g.ask(t, http.MethodPut, "/mod/plugin/oidc/reset", nil)
}

func (g *glewlwyd) store(t *testing.T, alg string) {
	t.Helper()
	g.keys = append([]jose.JSONWebKey{newKey(t, alg)}, g.keys...)
	g.ask(t, http.MethodPut, "/mod/plugin/oidc", g.plugin(t))
}

// setUp logs in as the administrator of the schema, and makes the plugin, the
// scopes and the client.
func (g *glewlwyd) setUp(t *testing.T) {
	t.Helper()
	g.process.Await(t, "its API", func() bool { return process.Listens(g.address) })
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	g.admin = &http.Client{Jar: jar}
	g.ask(t, http.MethodPost, "/auth/", map[string]any{"username": "admin", "password": "password"})
	g.keys = []jose.JSONWebKey{newKey(t, "RS256")}
	g.ask(t, http.MethodPost, "/mod/plugin/", g.plugin(t))
	for _, scope := range daemon.Scopes() {
		g.ask(t, http.MethodPost, "/scope/", map[string]any{
			"name": scope, "display_name": scope, "description": scope, "password_required": false, "password_max_age": 0, "scheme": map[string]any{},
		})
	}
	g.ask(t, http.MethodPost, "/client/?source=database", map[string]any{
		"client_id": g.facts.ClientID, "name": g.facts.ClientID, "password": g.facts.Secret, "client_secret": g.facts.Secret,
		"confidential": true, "enabled": true, "scope": daemon.Scopes(), "authorization_type": []string{"client_credentials"}, "redirect_uri": []string{},
		"token_endpoint_auth_method": []string{"client_secret_basic", "client_secret_post"}, // without it the client cannot authenticate
	})
}

func (g *glewlwyd) plugin(t *testing.T) map[string]any {
	t.Helper()
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: g.keys})
	require.NoError(t, err)
	parameters := map[string]any{
		"iss": g.facts.Issuer, "jwks-private": string(private), "jwks-show": true, "jwt-type": "rsa", "jwt-key-size": "256",
		"access-token-duration": 3600, "refresh-token-duration": 3600, "code-duration": 600, "refresh-token-rolling": false,
		"allow-non-oidc": true, "subject-type": "public",
		"resource-allowed": true, "resource-scope": map[string]any{"get": []string{glewlwydAudience}, "post": []string{glewlwydAudience}},
		"resource-client-property": "", "resource-scope-and-client-property": false,
		"oauth-dpop-allowed": true, "oauth-dpop-iat-duration": 60,
	}
	grants := map[string]any{"client": true, "code": true, "token": true, "id-token": true}
	for _, grant := range []string{"none", "implicit", "password", "device", "refresh"} {
		grants[grant] = false
	}
	for grant, enabled := range maps.All(grants) {
		parameters["auth-type-"+grant+"-enabled"] = enabled
	}
	return map[string]any{"module": "oidc", "name": "oidc", "display_name": "oidc", "parameters": parameters}
}

// ask asks the administration's API.
func (g *glewlwyd) ask(t *testing.T, method, path string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	status, answer := sendWith(t, g.admin, method, g.api+path, string(text))
	require.Equal(t, http.StatusOK, status, "%s %s: %s", method, path, answer)
}

func newKey(t *testing.T, alg string) jose.JSONWebKey {
	t.Helper()
	var private any
	var err error
	if alg == "ES256" {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	require.NoError(t, err)
	return jose.JSONWebKey{Key: private, KeyID: rand.Text(), Algorithm: alg, Use: "sig"}
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
