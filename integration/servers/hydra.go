package servers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/daemon"
	"github.com/sallyport-go/sallyport/integration/internal/process"
)

// hydraConfig keeps the state in a file: with dsn: memory a restart makes new
// keys. Hydra's access tokens are opaque unless strategies say otherwise, and
// have their scopes in scp alone.
const hydraConfig = `dsn: sqlite://%s?_fk=true
serve:
  public: {host: 127.0.0.1, port: %s}
  admin: {host: 127.0.0.1, port: %s}
urls:
  self: {issuer: "http://%s/"}
strategies: {access_token: jwt, jwt: {scope_claim: both}}
secrets: {system: [only-for-tests-on-this-machine]}
log: {level: warn}
sqa: {opt_out: true}
`

// hydraKeys is the set that access tokens are signed with.
const hydraKeys = "hydra.jwt.access-token"

const hydraClient = `{"client_id":%q,"client_secret":%q,"grant_types":["client_credentials"],"scope":"get post","audience":[%q],
"token_endpoint_auth_method":"client_secret_basic"}`

// opaqueReader is a client whose tokens are opaque, as Hydra's are by default.
const opaqueReader = "opaque-reader"

const hydraOpaqueClient = `{"client_id":%q,"client_secret":%q,"grant_types":["client_credentials"],"scope":"get post","audience":[%q],
"token_endpoint_auth_method":"client_secret_basic","access_token_strategy":"opaque"}`

// hydra is Ory Hydra with its admin port.
type hydra struct {
	facts   Facts
	program string
	config  string
	admin   string
	known   bool // the client was made
	process *process.Process
}

func newHydra(t *testing.T) Server {
	t.Helper()
	program := process.Bin(t, Hydra)
	if _, err := os.Stat(program); err != nil {
		Report.Missing(t, Hydra, "no bin/integration/hydra, which .ci/integration builds")
	}
	dir, public, admin := t.TempDir(), process.FreeAddr(t), process.FreeAddr(t)
	h := &hydra{program: program, config: filepath.Join(dir, "hydra.yml"), admin: "http://" + admin}
	issuer := "http://" + public + "/"
	h.facts = Facts{
		Issuer: issuer, Audience: daemon.Audience, TokenURL: issuer + "oauth2/token", JWKSURL: issuer + ".well-known/jwks.json",
		ClientID: daemon.Reader, Secret: daemon.ReaderSecret,
		IntrospectionURL: h.admin + "/admin/oauth2/introspect", RevocationURL: issuer + "oauth2/revoke", OpenIntrospection: true,
		OpaqueID: opaqueReader, Opaque: asking("get", "audience", daemon.Audience),
		Reads: asking("get", "audience", daemon.Audience), Writes: asking("post", "audience", daemon.Audience), TornTokens: true,
	}
	config := fmt.Sprintf(hydraConfig, filepath.Join(dir, "hydra.sqlite"), port(public), port(admin), public)
	require.NoError(t, os.WriteFile(h.config, []byte(config), 0o600))
	out, err := exec.CommandContext(t.Context(), program, "migrate", "sql", "up", "-e", "--yes", "-c", h.config).CombinedOutput() //nolint:gosec // G204: the program that .ci/integration built
	require.NoError(t, err, string(out))
	return h
}

// Facts implements Server.
func (h *hydra) Facts() Facts { return h.facts }

// Start implements Server.
func (h *hydra) Start(t *testing.T) {
	t.Helper()
	h.process = process.Start(t, t.TempDir(), nil, h.program, "serve", "all", "--dev", "-c", h.config)
	h.process.Await(t, "its admin port", func() bool { return process.Answers(h.admin + "/health/ready") })
	if !h.known {
		h.setUp(t)
	}
	h.process.Await(t, "its keys", func() bool { return process.Answers(h.facts.JWKSURL) })
}

// setUp makes the client, and brings keys: Hydra's own first ones take many
// seconds of a busy machine, with their 4096 bits.
func (h *hydra) setUp(t *testing.T) {
	t.Helper()
	for _, set := range []string{"hydra.openid.id-token", hydraKeys} {
		keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{newKey(t, "RS256")}})
		require.NoError(t, err)
		status, body := send(t, http.MethodPut, h.admin+"/admin/keys/"+set, string(keys))
		require.Equal(t, http.StatusOK, status, body)
	}
	status, body := send(t, http.MethodPost, h.admin+"/admin/clients", fmt.Sprintf(hydraClient, h.facts.ClientID, h.facts.Secret, h.facts.Audience))
	require.Equal(t, http.StatusCreated, status, body)
	status, body = send(t, http.MethodPost, h.admin+"/admin/clients", fmt.Sprintf(hydraOpaqueClient, opaqueReader, h.facts.Secret, h.facts.Audience))
	require.Equal(t, http.StatusCreated, status, body)
	h.known = true
}

// Stop implements Server.
func (h *hydra) Stop() { h.process.Stop() }

// Rotate adds a key to the set that access tokens are signed with. The newest
// signs, the older ones are published until they are deleted.
func (h *hydra) Rotate(t *testing.T, alg string) {
	t.Helper()
	status, body := send(t, http.MethodPost, h.admin+"/admin/keys/"+hydraKeys, fmt.Sprintf(`{"alg":%q,"use":"sig","kid":""}`, alg))
	require.Equal(t, http.StatusCreated, status, body)
}

// Retire deletes a key.
func (h *hydra) Retire(t *testing.T, kid string) {
	t.Helper()
	status, body := send(t, http.MethodDelete, h.admin+"/admin/keys/"+hydraKeys+"/"+kid, "")
	require.Equal(t, http.StatusNoContent, status, body)
}
