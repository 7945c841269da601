package proxies_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/process"
)

// host is the name that the configurations of the guide serve.
const host = "api.example"

// guide has the configurations that docs/guide/proxies.md shows.
const guide = "../../docs/guide/proxies/"

// Where the configurations of the guide look for what is behind the proxy.
const (
	application = "127.0.0.1:8080"
	authorizer  = "127.0.0.1:9090"
)

// kind is a kind of proxy.
type kind struct {
	program string
	// around returns the configuration that a distribution has around the one of
	// the guide, and the arguments of the program.
	around func(p place) (outer string, args []string)
}

var kinds = map[string]kind{
	"nginx":   {program: "nginx", around: aroundNginx},
	"haproxy": {program: "haproxy", around: aroundHAProxy},
	"caddy":   {program: "caddy", around: aroundCaddy},
	"apache":  {program: "apache2", around: aroundApache},
}

// forwarders are the configurations that forward everything.
var forwarders = map[string]string{"nginx": "nginx.conf", "haproxy": "haproxy.cfg", "caddy": "Caddyfile", "apache": "apache.conf"}

// place is where one proxy lives.
type place struct{ dir, addr, port, outer, site string }

func aroundNginx(p place) (string, []string) {
	var temporary strings.Builder
	for _, module := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary.WriteString("\t" + module + "_temp_path " + p.dir + "/" + module + ";\n")
	}
	return "daemon off;\nworker_processes 1;\npid " + p.dir + "/nginx.pid;\nevents { worker_connections 256; }\n" +
		"http {\n\taccess_log off;\n" + temporary.String() + "\tinclude " + p.site + ";\n}\n", []string{"-e", "stderr", "-p", p.dir, "-c", p.outer}
}

func aroundHAProxy(p place) (string, []string) {
	return "global\n\tmaxconn 256\n", []string{"-db", "-f", p.outer, "-f", p.site}
}

func aroundCaddy(p place) (string, []string) {
	return "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n\tstorage file_system " + p.dir + "\n\tgrace_period 1s\n" +
		"\tdefault_bind 127.0.0.1\n\thttps_port " + p.port + "\n}\nimport " + p.site + "\n", []string{"run", "--adapter", "caddyfile", "--config", p.outer}
}

func aroundApache(p place) (string, []string) {
	var modules strings.Builder
	for _, name := range []string{"mpm_event", "authz_core", "socache_shmcb", "ssl", "http2", "proxy", "proxy_http"} {
		modules.WriteString("LoadModule " + name + "_module /usr/lib/apache2/modules/mod_" + name + ".so\n")
	}
	return modules.String() + "ServerName localhost\nServerRoot " + p.dir + "\nDefaultRuntimeDir " + p.dir + "\nPidFile " + p.dir + "/apache.pid\n" +
		"ErrorLog |/bin/cat\nListen " + p.addr + "\nInclude " + p.site + "\n", []string{"-DFOREGROUND", "-f", p.outer}
}

// server is a running proxy.
type server struct {
	*process.Process

	name, addr string
	ca         *x509.CertPool
}

// start starts a proxy with a configuration of the guide, in which the addresses
// of backends become those of running servers, and lines that contain one of
// without are left out.
func start(t *testing.T, name, site string, backends map[string]string, without ...string) *server {
	t.Helper()
	kind := kinds[name]
	program, err := find(kind.program)
	if err != nil {
		table.Missing(t, name, err.Error())
	}
	p := newPlace(t)
	s := &server{name: name, addr: p.addr, ca: certificate(t, p.dir)}
	replace := map[string]string{ // the parts that differ from a real one
		"listen 443 ": "listen " + p.addr + " ", "bind :443 ": "bind " + p.addr + " ", "<VirtualHost *:443>": "<VirtualHost " + p.addr + ">",
		"/etc/ssl/": p.dir + "/", "/var/cache/nginx/": p.dir + "/",
	}
	text := configuration(t, site, without)
	for from, to := range backends {
		require.Contains(t, text, from)
		replace[from] = to
	}
	for from, to := range replace {
		text = strings.ReplaceAll(text, from, to)
	}
	outer, args := kind.around(p)
	require.NoError(t, os.WriteFile(p.site, []byte(text), 0o600))
	require.NoError(t, os.WriteFile(p.outer, []byte(outer), 0o600))

	if os.Getuid() == 0 { // not as root, and not longer than the test
		require.NoError(t, exec.CommandContext(t.Context(), "chown", "-R", "65534:65534", p.dir).Run())
		program, args = "setpriv", append([]string{"--reuid=65534", "--regid=65534", "--clear-groups", "--pdeathsig=TERM", program}, args...)
	}
	s.Process = process.Start(t, p.dir, []string{"HOME=" + p.dir, "XDG_DATA_HOME=" + p.dir, "XDG_CONFIG_HOME=" + p.dir}, program, args...)
	s.Await(t, name+" listens", func() bool {
		conn, err := (&tls.Dialer{Config: s.tls()}).DialContext(t.Context(), "tcp", s.addr)
		return err == nil && conn.Close() == nil
	})
	table.Ran(name)
	return s
}

// find looks where daemons are too, which is not in every user's path.
func find(program string) (string, error) {
	if path, err := exec.LookPath("/usr/sbin/" + program); err == nil {
		return path, nil
	}
	return exec.LookPath(program)
}

func newPlace(t *testing.T) place {
	t.Helper()
	dir, err := os.MkdirTemp("", "proxy") //nolint:usetesting // t.TempDir is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	addr := process.FreeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return place{dir: dir, addr: addr, port: port, outer: filepath.Join(dir, "outer.conf"), site: filepath.Join(dir, "site.conf")}
}

// configuration returns a file of the guide without some of its lines.
func configuration(t *testing.T, site string, without []string) string {
	t.Helper()
	data, err := os.ReadFile(guide + site)
	require.NoError(t, err)
	text := string(data)
	for _, part := range without {
		kept := ""
		for line := range strings.Lines(text) {
			if !strings.Contains(line, part) {
				kept += line
			}
		}
		require.NotEqual(t, text, kept, "no line has %q", part)
		text = kept
	}
	return text
}

// certificate writes the certificate and the key of host, made for this test, and
// returns what trusts it.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	ca := x509.NewCertPool()
	require.True(t, ca.AppendCertsFromPEM(public))
	require.NoError(t, os.WriteFile(filepath.Join(dir, host+".key"), private, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, host+".pem"), append(public, private...), 0o600)) // HAProxy wants both in one
	return ca
}
