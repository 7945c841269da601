package attack

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// target is where requests go. It is safe for concurrent use.
type target struct {
	addresses []string    // that were checked, so that a name cannot lead elsewhere later
	host      string      // of the header Host
	path      string      // as it stands in the request line, with its query
	tls       *tls.Config // nil for http
	local     bool
	cfg       *Config
}

// newTarget resolves the API's address, which is on loopback unless the user says that it is theirs.
func newTarget(ctx context.Context, cfg *Config) (*target, error) {
	u, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil, untried("the host of -url is not found: %v", err)
	}
	t := &target{host: u.Host, path: u.RequestURI(), local: true, cfg: cfg}
	if u.Scheme == "https" {
		t.tls = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	}
	for _, ip := range found {
		ip = ip.Unmap()
		if !ip.IsLoopback() && !cfg.Mine {
			return nil, &SettingError{fmt.Sprintf("-url is not on this machine (%v): attack only what is yours, and say so with -this-api-is-mine", ip)}
		}
		t.local = t.local && ip.IsLoopback()
		t.addresses = append(t.addresses, net.JoinHostPort(ip.String(), port))
	}
	return t, nil
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, &SettingError{"-url is missing: give the address of a call that a good token opens, such as http://127.0.0.1:8080/orders"}
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return nil, &SettingError{"-url must be an address of http or https, such as http://127.0.0.1:8080/orders"}
	case u.User != nil || u.Fragment != "":
		return nil, &SettingError{"-url has a user or a fragment: leave them out"}
	}
	return u, nil
}

// dial opens a connection to the first of the checked addresses that answers.
func (t *target) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: patience}
	var errs []error
	for _, address := range t.addresses {
		conn, err := d.DialContext(ctx, "tcp", address)
		if err == nil && t.tls != nil {
			secure := tls.Client(conn, t.tls)
			if err = secure.HandshakeContext(ctx); err != nil {
				_ = conn.Close()
			}
			conn = secure
		}
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// SettingError reports a configuration that cannot be right.
type SettingError struct{ Why string }

// Error implements error.
func (e *SettingError) Error() string { return e.Why }

// Validate reports every mistake of the configuration that can be seen without a network.
func (c *Config) Validate() error {
	errs := []error{checkGroups(c.Only), checkSkips(c.Skip), checkListen(c.Listen)}
	if _, err := parseURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	if c.Audience == "" {
		errs = append(errs, &SettingError{"-audience is missing: say which aud the API accepts"})
	}
	if !isToken(c.Method) {
		errs = append(errs, &SettingError{"-method is not the name of a method"})
	}
	if !slices.Contains(algorithms, c.Alg) {
		errs = append(errs, &SettingError{"-alg must be one of " + strings.Join(algorithms, ", ")})
	}
	errs = append(errs, checkHeader(c.Header))
	for _, name := range []string{"iss", "aud", "exp", "nbf", "iat", "cnf"} {
		if _, ok := c.Claims[name]; ok {
			errs = append(errs, &SettingError{"-claim cannot set " + name + ": the attack needs it (-audience sets aud)"})
		}
	}
	if c.Rate < 0 || c.Rate > 1000 {
		errs = append(errs, &SettingError{"-rate must be between 1 and 1000 requests a second"})
	}
	if c.Wait < 0 || c.Limit < 0 || c.Recovery < 0 {
		errs = append(errs, &SettingError{"-wait, -limit and -recovery must be longer than 0s"})
	}
	return errors.Join(errs...)
}

var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func checkHeader(lines []string) error {
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) || strings.ContainsAny(value, "\r\n\x00") {
			return &SettingError{`-header must be a name, a colon and a value, as in "Accept: text/plain"`}
		}
		if strings.EqualFold(name, "Authorization") || strings.EqualFold(name, "Host") {
			return &SettingError{"-header cannot set " + name + ", which is what the attack is about"}
		}
	}
	return nil
}

// checkListen demands a loopback address: the issuer signs whatever it is asked to.
func checkListen(address string) error {
	host, _, err := net.SplitHostPort(address)
	ip, notIP := netip.ParseAddr(host)
	if err != nil || notIP != nil || !ip.IsLoopback() {
		return &SettingError{"-listen must be a loopback address and a port, such as 127.0.0.1:9000"}
	}
	return nil
}

// isToken reports whether s is a name of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(marks, r) {
			return false
		}
	}
	return s != ""
}
