package providers_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

const (
	clusterIssuer = "https://kubernetes.default.svc.cluster.local"
	clusterKeys   = "https://kubernetes.default.svc/openid/v1/jwks"
	checkout      = "system:serviceaccount:shop:checkout"
)

// newPods serves keys at the API server of a pod's own cluster, and nothing else.
func newPods(t *testing.T, accounts ...string) *server {
	t.Helper()
	p := providers.Kubernetes(providers.Cluster{}, accounts, exampleAPI)
	require.NoError(t, p.Err)
	p.Issuers[0].Source.CAFile, p.Issuers[0].Source.BearerFile = "", "" // there are none here
	c := cloud{}
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithName(clusterIssuer))
	c[clusterKeys] = iss
	return &server{iss, c.gate(t, p)}
}

func TestKubernetesSamples(t *testing.T) {
	t.Parallel()
	pod := seen{Client: checkout, Caller: claims.CallerApp}
	for _, accounts := range [][]string{{"shop/checkout"}, {"other/a", "shop/checkout"}, {"shop/*"}, {"other/*", "shop/checkout"}} {
		newPods(t, accounts...).accepts(t, map[string]seen{"kubernetes-pod": pod})
	}
}

func TestKubernetesTraps(t *testing.T) {
	t.Parallel()
	const (
		account = "add it to the service accounts, as NAMESPACE/NAME"
		mount   = "have the caller mount one for this API, by a projected volume with serviceAccountToken and its audience"
		old     = "a token of the old kind, out of a Secret"
		another = "kubectl get --raw /.well-known/openid-configuration shows it"
	)
	sub := func(s string) jwkstest.Claims { return jwkstest.Claims{"sub": s} }
	w := newPods(t, "shop/checkout", "jobs/*")
	require.Empty(t, w.look(t, "kubernetes-pod", sub("system:serviceaccount:jobs:any")).Reason)
	w.refuses(t, "kubernetes-pod", map[string]trap{
		"another account of the namespace":         {change: sub("system:serviceaccount:shop:admin"), want: reason.WrongClient, hint: account},
		"the account's name in another namespace":  {change: sub("system:serviceaccount:evil:checkout"), want: reason.WrongClient, hint: account},
		"a namespace that begins as one":           {change: sub("system:serviceaccount:jobs-evil:any"), want: reason.WrongClient, hint: account},
		"an account that begins as one":            {change: sub(checkout + "-2"), want: reason.WrongClient, hint: account},
		"a user of that name":                      {change: sub("shop:checkout"), want: reason.WrongClient, hint: account},
		"no subject":                               {change: sub(""), want: reason.WrongClient, hint: account},
		"the token for the API server":             {change: jwkstest.WithAudience(clusterIssuer), want: reason.WrongAudience, hint: mount},
		"the token for the API server, by its URL": {change: jwkstest.WithAudience("https://kubernetes.default.svc"), want: reason.WrongAudience, hint: mount},
		"the token for the API server of k3s":      {change: jwkstest.WithAudience(clusterIssuer, "k3s"), want: reason.WrongAudience, hint: mount},
		"the token of another service":             {change: jwkstest.WithAudience("https://billing.example.com"), want: reason.WrongAudience, hint: "for another API"},
		"a token out of a Secret":                  {sample: "kubernetes-secret", want: reason.UnknownIssuer, hint: old},
		"a token without exp":                      {change: jwkstest.Claims{"exp": nil}, want: reason.MissingClaim, hint: old},
		"a token bound to no object":               {change: jwkstest.Claims{"kubernetes.io": nil}, want: reason.MissingClaim, hint: old},
		"another cluster, of Amazon's":             {change: jwkstest.Claims{"iss": "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"}, want: reason.UnknownIssuer, hint: another},
		"a secret for a key":                       {change: jwkstest.WithAlgorithm("PS256"), want: reason.UnsupportedAlg, hint: "PS256"},
	})
}

func TestKubernetesMistakes(t *testing.T) {
	t.Parallel()
	one, aud := []string{"shop/checkout"}, []string{exampleAPI}
	for name, row := range map[string]struct {
		cluster   providers.Cluster
		accounts  []string
		audiences []string
		says      string
	}{
		"anybody":                   {providers.Cluster{}, nil, aud, "ServiceAccounts is not set: give the Kubernetes service account that may call, as NAMESPACE/NAME or NAMESPACE/*"},
		"every namespace":           {providers.Cluster{}, []string{"*/*"}, aud, `ServiceAccounts: "*/*": give NAMESPACE/NAME`},
		"a name without namespace":  {providers.Cluster{}, []string{"checkout"}, aud, "give NAMESPACE/NAME"},
		"a subject":                 {providers.Cluster{}, []string{checkout}, aud, "give NAMESPACE/NAME"},
		"a part of a name":          {providers.Cluster{}, []string{"shop/check*"}, aud, "give NAMESPACE/NAME"},
		"a colon in a namespace":    {providers.Cluster{}, []string{"shop:a/b"}, aud, "give NAMESPACE/NAME"},
		"no name":                   {providers.Cluster{}, []string{"shop/"}, aud, "give NAMESPACE/NAME"},
		"no audience":               {providers.Cluster{}, one, nil, "audiences is not set"},
		"the API server's audience": {providers.Cluster{}, one, []string{clusterIssuer}, `audiences: "` + clusterIssuer + `" is the API server's own, which the token of every pod has`},
		"and with its slash":        {providers.Cluster{}, one, []string{"https://kubernetes.default.svc/"}, "is the API server's own"},
		"the one of k3s":            {providers.Cluster{}, one, []string{"k3s"}, "is the API server's own"},
		"another issuer's":          {providers.Cluster{Issuer: "https://oidc.eks.example/id/1"}, one, []string{"https://oidc.eks.example/id/1"}, "is the API server's own"},
		"another API server's":      {providers.Cluster{APIServer: "https://api.example:6443"}, one, []string{"https://api.example:6443"}, "is the API server's own"},
		"a host for the API server": {providers.Cluster{APIServer: "api.example:6443"}, one, aud, `APIServer "api.example:6443": give https://HOST or https://HOST:PORT`},
		"a path of the API server":  {providers.Cluster{APIServer: "https://api.example/openid/v1/jwks"}, one, aud, "give https://HOST"},
		"a password in its address": {providers.Cluster{APIServer: "https://u:secret@api.example"}, one, aud, `APIServer "api.example": give https://HOST`},
	} {
		p := providers.Kubernetes(row.cluster, row.accounts, row.audiences...)
		assert.ErrorContains(t, p.Err, row.says, name)
		assert.NotContains(t, p.Err.Error(), "secret", name)
		assert.Empty(t, p.Issuers, name)
	}
}

func TestWhatAPodFindsInItsCluster(t *testing.T) {
	t.Parallel()
	const mounted = "/var/run/secrets/kubernetes.io/serviceaccount/"
	source := func(c providers.Cluster) providers.Source {
		return providers.Kubernetes(c, []string{"shop/checkout"}, exampleAPI).Issuers[0].Source
	}
	assert.Equal(t, providers.Source{Issuer: clusterIssuer, JWKSURL: clusterKeys, CAFile: mounted + "ca.crt", BearerFile: mounted + "token"}, source(providers.Cluster{}))
	assert.Equal(t, providers.Source{Issuer: "https://oidc.eks.example/id/1", JWKSURL: clusterKeys, CAFile: "/ca", BearerFile: "/token"},
		source(providers.Cluster{Issuer: "https://oidc.eks.example/id/1", CAFile: "/ca", BearerFile: "/token"}))
	assert.Equal(t, providers.Source{Issuer: clusterIssuer, JWKSURL: "https://api.example:6443/openid/v1/jwks"},
		source(providers.Cluster{APIServer: "https://api.example:6443/"}), "the pod's token is not for another cluster")
}

// apiServer is one of Kubernetes on a loopback socket: it has a CA of its own and
// shows its keys to those who bring the token that it wants.
type apiServer struct {
	*httptest.Server
	*jwkstest.Issuer

	caFile, bearerFile string
	node               *httptest.Server // under the same CA

	mu       sync.Mutex
	want     string
	redirect bool
	paths    []string
	atNode   []string // what the other server was asked with
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	a := &apiServer{Issuer: jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithName(clusterIssuer)), want: "Bearer first"}
	authority := newCA(t)
	a.node = authority.serve(t, func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.atNode = append(a.atNode, r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusUnauthorized)
	})
	a.Server = authority.serve(t, a.answer)
	dir := t.TempDir()
	a.caFile, a.bearerFile = filepath.Join(dir, "ca.crt"), filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(a.caFile, authority.pem, 0o600))
	a.rotate(t, "first")
	return a
}

// rotate replaces the file of the bearer, as the kubelet does.
func (a *apiServer) rotate(t *testing.T, token string) {
	t.Helper()
	require.NoError(t, os.WriteFile(a.bearerFile+".new", []byte(token+"\n"), 0o600))
	require.NoError(t, os.Rename(a.bearerFile+".new", a.bearerFile))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.want = "Bearer " + token
}

func (a *apiServer) answer(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.paths = append(a.paths, r.URL.Path)
	switch {
	case r.Header.Get("Authorization") != a.want:
		w.WriteHeader(http.StatusUnauthorized)
	case a.redirect:
		http.Redirect(w, r, a.node.URL+"/openid/v1/jwks", http.StatusTemporaryRedirect)
	case r.URL.Path == "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": clusterIssuer, "jwks_uri": a.node.URL + "/openid/v1/jwks"})
	case r.URL.Path == "/openid/v1/jwks":
		r.URL.Path = "/jwks"
		a.Issuer.Handler().ServeHTTP(w, r)
	}
}

func (a *apiServer) seen() (paths, atNode []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string{}, a.paths...), append([]string{}, a.atNode...)
}

func (a *apiServer) provider() providers.Provider {
	return providers.Kubernetes(providers.Cluster{APIServer: a.Server.URL, CAFile: a.caFile, BearerFile: a.bearerFile}, []string{"shop/checkout"}, exampleAPI)
}

func (a *apiServer) gate(t *testing.T, p providers.Provider) *sallyport.Gate {
	t.Helper()
	g, err := sallyport.NewFrom(p)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, g.Close()) })
	return g
}

func TestAPIServerWithItsOwnCAAndARotatingToken(t *testing.T) {
	t.Parallel()
	a := newAPIServer(t)
	g := a.gate(t, a.provider())
	pod := load(t, "kubernetes-pod")
	assert.Empty(t, look(t, g, pod.mint(t, a.Issuer), levels).Reason)

	a.rotate(t, "second")
	a.Rotate() // a token under a new key makes the gate ask again
	assert.Empty(t, look(t, g, pod.mint(t, a.Issuer), levels).Reason)
	paths, atNode := a.seen()
	assert.Equal(t, []string{"/openid/v1/jwks", "/openid/v1/jwks"}, paths, "the document was not asked for, and its jwks_uri not followed")
	assert.Empty(t, atNode)
}

func TestAPIServersRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	a := newAPIServer(t)
	a.redirect = true
	g := a.gate(t, a.provider())
	assert.Equal(t, reason.KeysUnavailable, look(t, g, load(t, "kubernetes-pod").mint(t, a.Issuer), levels).Reason)
	_, atNode := a.seen()
	assert.Empty(t, atNode, "the other server was not even asked")
}

// Who wants the document after all gets it, but the node that it names does not get the bearer.
func TestTheNodeThatTheDocumentNamesGetsNoBearer(t *testing.T) {
	t.Parallel()
	a := newAPIServer(t)
	g := a.gate(t, a.provider().WithDiscovery(a.Server.URL+"/.well-known/openid-configuration"))
	_, err := g.Verify(t.Context(), load(t, "kubernetes-pod").mint(t, a.Issuer))
	assert.ErrorIs(t, err, reason.KeysUnavailable)
	paths, atNode := a.seen()
	assert.Equal(t, "/.well-known/openid-configuration", paths[0])
	require.NotEmpty(t, atNode)
	assert.Empty(t, atNode[0])
}

func TestAPIServerUnderAnotherCAIsNotTrusted(t *testing.T) {
	t.Parallel()
	a := newAPIServer(t)
	require.NoError(t, os.WriteFile(a.caFile, newCA(t).pem, 0o600))
	g := a.gate(t, a.provider())
	_, err := g.Verify(t.Context(), load(t, "kubernetes-pod").mint(t, a.Issuer))
	assert.ErrorIs(t, err, reason.KeysUnavailable)
	assert.ErrorContains(t, err, "unknown authority")
	paths, _ := a.seen()
	assert.Empty(t, paths, "no bearer went to it")
}

func TestOutsideOfAClusterTheFilesAreMissed(t *testing.T) {
	t.Parallel()
	p := providers.Kubernetes(providers.Cluster{}, []string{"shop/checkout"}, exampleAPI)
	if _, err := os.Stat(p.Issuers[0].Source.CAFile); err == nil {
		return // this is a cluster
	}
	err := inCluster(http.NewServeMux(), http.NotFoundHandler())
	assert.ErrorContains(t, err, `sallyport: CAFile "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt" cannot be read`)
	assert.ErrorContains(t, err, `BearerFile "/var/run/secrets/kubernetes.io/serviceaccount/token" cannot be read`)
}

// ca is the certification authority of a cluster.
type ca struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newCA(t *testing.T) *ca {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "kubernetes"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &ca{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// serve serves on a loopback socket, with a certificate of the authority.
func (c *ca) serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "kube-apiserver"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, c.key.Public(), c.key)
	require.NoError(t, err)
	own := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: c.key}}, MinVersion: tls.VersionTLS12}
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return own, nil }, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// In a cluster nothing else is needed: the CA, the token and the address of the
// API server are where every pod finds them.
func ExampleKubernetes() {
	p := providers.Kubernetes(providers.Cluster{}, []string{"shop/checkout", "jobs/*"}, "https://api.example.com")
	fmt.Println(p.Issuers[0].Tokens.Name)
	fmt.Println(p.Issuers[0].Tokens.Limits[0].Values, p.Issuers[0].Tokens.Limits[0].Prefixes)
	fmt.Println(p.Issuers[0].Source.JWKSURL)
	// Output:
	// https://kubernetes.default.svc.cluster.local
	// [system:serviceaccount:shop:checkout] [system:serviceaccount:jobs:]
	// https://kubernetes.default.svc/openid/v1/jwks
}
