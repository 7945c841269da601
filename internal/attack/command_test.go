package attack_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/attack"
	"github.com/sallyport-go/sallyport/internal/forgeries"
)

// TestMain is the API itself where a test starts it as a command.
func TestMain(m *testing.M) {
	if mode := os.Getenv("ATTACKED"); mode != "" {
		if err := serveAPI(mode, os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, "api:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveAPI is an API of another program: it knows its issuer from its environment alone.
func serveAPI(mode, addr string) error {
	issuer, aud := os.Getenv("SALLYPORT_ISSUER"), os.Getenv("SALLYPORT_AUDIENCE")
	if mode == "plain names" {
		issuer, aud = os.Getenv("ISSUER"), os.Getenv("AUDIENCE")
	}
	gate, err := sallyport.New(issuer, aud)
	if err != nil {
		return err
	}
	defer gate.Close()
	if mode == "eager" { // ends unless the issuer is there
		if resp, err := http.Get(issuer + "/jwks"); err != nil || resp.StatusCode != http.StatusOK {
			return fmt.Errorf("no keys of %s", issuer)
		}
	}
	if mode == "with a child" {
		child := exec.Command(os.Args[0], os.Args[1:]...)
		child.Env = append(os.Environ(), "ATTACKED=the child")
		return child.Run()
	}
	fmt.Println("serving")
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if mode == "dies" && r.Header.Get("X-Original-Url") != "" {
			os.Exit(3)
		}
		fmt.Fprintln(w, "two orders")
	})))
	guard := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if mode == "dies" && r.Header.Get("X-Original-Url") != "" {
			os.Exit(3)
		}
		mux.ServeHTTP(w, r)
	})
	return (&http.Server{Addr: addr, Handler: guard, ReadHeaderTimeout: time.Minute}).ListenAndServe()
}

// freeAddress returns an address that is free now. Nothing else that this package starts takes it meanwhile.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// command attacks the API of serveAPI.
func command(t *testing.T, mode string, change ...func(*attack.Config)) (*attack.Report, string, error) {
	t.Helper()
	addr := freeAddress(t)
	cfg := attack.Config{
		URL: "http://" + addr + "/orders", Audience: audience, Alg: "EdDSA", Claims: map[string]any{"scope": "orders.read"},
		Command: []string{"env", "ATTACKED=" + mode, must(os.Executable()), "-test.run=^$", addr}, Rate: 1000,
	}
	for _, c := range change {
		c(&cfg)
	}
	report, err := attack.Run(t.Context(), cfg)
	return report, addr, err
}

func nothingListens(t *testing.T, addr string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		conn.Close()
	}
	assert.Error(t, err, "the command was ended, with all that it started")
}

func TestACommandGetsItsIssuerAndIsEnded(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"lazy", "plain names", "with a child"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			report, addr, err := command(t, mode, func(c *attack.Config) { c.Only = []string{"aud", "credentials"} })
			assert.Empty(t, found(t, report, err))
			assert.Greater(t, report.Tried, 40)
			nothingListens(t, addr)
		})
	}
}

func TestACommandThatEndsIsSaidWithWhatItPrinted(t *testing.T) {
	t.Parallel()
	report, _, err := command(t, "lazy", func(c *attack.Config) { c.Command = []string{"sh", "-c", "echo no such file; exit 7"} })
	var untried *attack.UntriedError
	require.ErrorAs(t, err, &untried)
	assert.Nil(t, report)
	assert.Contains(t, err.Error(), "the command ended (exit status 7) before the API accepted a good token")
	assert.Contains(t, err.Error(), "no such file")
	_, _, err = command(t, "lazy", func(c *attack.Config) { c.Command = []string{"/nowhere/at-all"} })
	require.ErrorAs(t, err, &untried)
	assert.Contains(t, err.Error(), "the command does not start")
}

func TestWhatACommandPrintsIsPassedOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	_, _, err := command(t, "lazy", func(c *attack.Config) { c.Only, c.Output = []string{"b64"}, &out })
	require.NoError(t, err)
	assert.Contains(t, out.String(), "serving\n")
}

func TestAnAPIThatDiesIsAnOutage(t *testing.T) {
	t.Parallel()
	report, _, err := command(t, "dies", func(c *attack.Config) { c.Only = []string{"credentials", "path"} })
	names := found(t, report, err)
	last := report.Findings[len(report.Findings)-1]
	assert.True(t, strings.HasPrefix(names[len(names)-1], "good: refused after "), names)
	assert.Equal(t, forgeries.Outage, last.Level)
	assert.Contains(t, last.What, "the API ended while it was attacked: exit status 3")
}

func TestAColdStartIsTriedWithACommand(t *testing.T) {
	t.Parallel()
	only := func(c *attack.Config) {
		c.Faults, c.Only = true, []string{"faults"}
		c.Skip = map[string]string{}
		for _, name := range []string{
			"a rotation that was announced", "a rotation that was not announced", "the key that was withdrawn", "a stray kid before a rotation", "a rotation that was rolled back",
			"an outage", "an issuer that hangs", "a huge key set", "an empty key set", "a key set that is no JSON",
		} {
			c.Skip["faults: "+name] = "not now"
		}
	}
	report, addr, err := command(t, "lazy", only)
	assert.Empty(t, found(t, report, err))
	assert.Equal(t, 1, report.Tried)
	assert.Len(t, report.Skipped, 10)
	nothingListens(t, addr)

	report, addr, err = command(t, "eager", only)
	assert.Equal(t, []string{"faults: a cold start while the issuer is away"}, found(t, report, err))
	assert.Contains(t, report.Findings[0].What, "does not start while its issuer is away")
	assert.Equal(t, forgeries.Outage, report.Findings[0].Level)
	nothingListens(t, addr)
}
