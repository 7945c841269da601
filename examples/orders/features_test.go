package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/internal/devca"
	"github.com/sallyport-go/sallyport/examples/orders/api"
)

// aFile writes a file of a test.
func aFile(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// TestAWrongValueOfEachFeatureEndsAndNamesTheFlag has, for each flag beyond bearer
// tokens, the values that are wrong. "geheim" is never repeated.
func TestAWrongValueOfEachFeatureEndsAndNamesTheFlag(t *testing.T) {
	t.Parallel()
	ca, err := devca.New()
	require.NoError(t, err)
	pair, err := ca.Issue("api", x509.ExtKeyUsageServerAuth)
	require.NoError(t, err)
	certText, keyText, err := devca.PEM(pair)
	require.NoError(t, err)
	cert, key := aFile(t, "cert", certText), aFile(t, "key", keyText)
	missing, dir, garbage := filepath.Join(t.TempDir(), "missing"), t.TempDir(), aFile(t, "garbage", []byte("\xff\xfe nothing \x00"))

	const trusting = "-issuer https://issuer.example/ -audience api://orders "
	const asking = trusting + "-introspect https://issuer.example/ask "
	secured := "-tls-cert " + cert + " -tls-key " + key + " "
	rows := map[string][]string{
		"dpop":       {"-dpop=", "-dpop maybe", "-dpop ACCEPT", "-dpop true"},
		"dpop-nonce": {"-dpop-nonce", "-dpop-nonce -dpop off", "-dpop accept -dpop-nonce=perhaps"},
		"origin": {
			"-dpop accept -origin=", "-dpop accept -origin api.example", "-dpop accept -origin http://api.example", "-dpop accept -origin ftp://api.example",
			"-dpop accept -origin https://api.example/orders", "-dpop accept -origin https://api.example?a=b", "-dpop accept -origin https://me:geheim@api.example",
			"-dpop accept -origin https://", "-origin http://api.example",
		},
		"introspect": {
			"-introspect=", "-introspect https://issuer.example/ask -introspect-client a:b", trusting + "-introspect http://issuer.example/ask -introspect-client a:b",
			trusting + "-introspect ask -introspect-client a:b", trusting + "-introspect https://me:geheim@issuer.example/ask -introspect-client a:b",
		},
		"introspect-client": {asking, asking + "-introspect-client=", asking + "-introspect-client geheim", asking + "-introspect-client :geheim", asking + "-introspect-client a:", "-introspect-client a:geheim"},
		"resource": {
			"-resource=", "-resource api.example", "-resource http://api.example", "-resource https://api.example/#part", "-resource https://", "-resource urn:orders",
		},
		"redis": {
			"-redis=", "-redis 127.0.0.1:6379", "-redis http://127.0.0.1:6379", "-redis redis://127.0.0.1:6379/first", "-redis redis://me:geheim@127.0.0.1:6379/first", "-redis redis://127.0.0.1:port",
		},
		"step-up-acr": {"-step-up-acr=", "-step-up-acr two\twords", `-step-up-acr "quoted"`, `-step-up-acr back\slash`, "-step-up-acr håndskrift"},
		"deny-file":   {"-deny-file=", "-deny-file " + missing, "-deny-file " + dir, "-deny-file " + garbage},
		"tls-cert":    {"-tls-cert=", "-tls-cert " + cert, "-tls-cert " + missing + " -tls-key " + key, "-tls-cert " + garbage + " -tls-key " + key, "-tls-cert " + key + " -tls-key " + key},
		"tls-key":     {"-tls-key=", "-tls-key " + key, "-tls-key " + missing + " -tls-cert " + cert, "-tls-key " + garbage + " -tls-cert " + cert, "-tls-key " + cert + " -tls-cert " + cert},
		"mtls-ca":     {"-mtls-ca=", "-mtls-ca " + cert, secured + "-mtls-ca " + missing, secured + "-mtls-ca " + dir, secured + "-mtls-ca " + garbage, secured + "-mtls-ca " + key},
	}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	new(api.Features).Flags(flags)
	flags.VisitAll(func(f *flag.Flag) { assert.Contains(t, rows, f.Name, "every flag has wrong values") })
	canceled, cancel := context.WithCancel(t.Context()) // what is let through ends at once, with 0
	cancel()
	for name, all := range rows {
		for _, args := range all {
			t.Run(args, func(t *testing.T) {
				t.Parallel()
				words := append([]string{"-addr", "127.0.0.1:0"}, strings.FieldsFunc(args, func(r rune) bool { return r == ' ' })...)
				if !strings.Contains(args, "-issuer") {
					words = append(words, "-auth-addr", "127.0.0.1:0")
				}
				var out, errs bytes.Buffer
				assert.Contains(t, []int{exitFailed, exitUsage}, run(canceled, words, &out, &errs), errs.String())
				assert.Regexp(t, `-`+regexp.QuoteMeta(name)+`\b`, errs.String())
				assert.NotContains(t, errs.String(), "geheim")
				assert.Empty(t, out.String())
			})
		}
	}
}
