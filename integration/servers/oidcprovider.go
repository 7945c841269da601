package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/daemon"
	"github.com/sallyport-go/sallyport/integration/internal/process"
)

// newOIDCProvider returns the program integration/oidc-provider/op.mjs: the npm
// package oidc-provider, which knows the parameter resource.
func newOIDCProvider(t *testing.T) Server {
	t.Helper()
	dir := process.Bin(t, OIDCProvider)
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider", "package.json")); err != nil {
		Report.Missing(t, OIDCProvider, "no node_modules in bin/integration/oidc-provider, where .ci/integration installs them")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		Report.Missing(t, OIDCProvider, "no program node")
	}
	address := process.FreeAddr(t)
	s := &small{facts: known(address), address: address, dir: dir}
	s.facts.Reads, s.facts.Writes = asking("get", "resource", daemon.Audience), asking("post", "resource", daemon.Audience)
	s.facts.IntrospectionURL, s.facts.RevocationURL = s.facts.TokenURL+"/introspection", s.facts.TokenURL+"/revocation"
	s.facts.OpaqueOnly, s.facts.OpaqueID, s.facts.Opaque = true, s.facts.ClientID, asking("get", "resource", daemon.Audience+"-opaque")
	script := filepath.Join(dir, "op.mjs") // beside node_modules, where node looks
	text, err := os.ReadFile(filepath.Join(process.Root(t), "integration", OIDCProvider, "op.mjs"))
	require.NoError(t, err)
	publish(t, script, text)
	s.command = []string{node, script, address, filepath.Join(t.TempDir(), "keys.json")}
	return s
}

// publish writes a file that other tests may be reading.
func publish(t *testing.T, path string, text []byte) {
	t.Helper()
	file, err := os.CreateTemp(filepath.Dir(path), "*.tmp")
	require.NoError(t, err)
	_, err = file.Write(text)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.NoError(t, os.Rename(file.Name(), path))
}
