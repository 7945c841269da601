package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// discovery finds the address of the JWK Set in an issuer's metadata. It is
// used by the fetching goroutine alone.
//
// The document is read for the first fetch, and again when the address may have
// changed: after a fetch from it failed; for a forced fetch, once the document is
// older than the usual refresh interval; for any other, once it is older than the
// longest one. If reading it fails, so does the attempt, and the next one uses
// the known address: an outage of the metadata alone costs one attempt.
type discovery struct {
	issuer    string
	documents []string // addresses, in order; none: the set's address is fixed
	plain     plainHosts
	names     []setting.Names
	known     string // jwks_uri
	readAt    time.Time
	doubted   bool
	usual     time.Duration
	most      time.Duration
}

func newDiscovery(cfg FetcherConfig) discovery {
	d := discovery{issuer: cfg.Issuer, plain: cfg.DangerouslyPlainHTTP, names: cfg.names, known: cfg.JWKSURL, usual: cfg.RefreshInterval, most: cfg.MaxRefreshInterval}
	switch {
	case cfg.JWKSURL != "":
	case cfg.DiscoveryURL != "":
		d.documents = []string{cfg.DiscoveryURL}
	default:
		d.documents = wellKnown(cfg.Issuer)
	}
	return d
}

// wellKnown returns the addresses of an issuer's metadata. OpenID Connect
// Discovery appends to the issuer's path, RFC 8414 inserts before it.
//
// OpenID Connect Discovery 1.0 section 4.1: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationRequest
// RFC 8414 section 3.1: https://www.rfc-editor.org/rfc/rfc8414#section-3.1
func wellKnown(issuer string) []string {
	base := strings.TrimSuffix(issuer, "/")
	oidc := base + "/.well-known/openid-configuration"
	host, path := base, ""
	start := strings.Index(base, "://") + len("://")
	if i := strings.IndexByte(base[start:], '/'); i >= 0 {
		host, path = base[:start+i], base[start+i:]
	}
	return []string{oidc, host + "/.well-known/oauth-authorization-server" + path}
}

// address returns where to fetch the set.
func (d *discovery) address(ctx context.Context, s *source, forced bool) (string, error) {
	now := time.Now()
	if !d.outdated(now, forced) {
		return d.known, nil
	}
	d.doubted, d.readAt = false, now
	spanned, end := s.telemetry.startDiscovery(ctx)
	known, err := d.read(spanned, s)
	end(known, err)
	if err != nil {
		var wrong *documentError
		if errors.As(err, &wrong) {
			d.known = "" // the author of a wrong document gives no keys
		}
		return "", err
	}
	d.known = known
	return known, nil
}

func (d *discovery) outdated(now time.Time, forced bool) bool {
	if len(d.documents) == 0 {
		return false
	}
	age := now.Sub(d.readAt)
	return d.known == "" || d.doubted || age >= d.most || forced && age >= d.usual
}

// doubt makes the next fetch read the document again: one from its address failed.
func (d *discovery) doubt() { d.doubted = true }

// read requests the documents in turn, until one is there.
func (d *discovery) read(ctx context.Context, s *source) (string, error) {
	var errs []error
	for _, address := range d.documents {
		header := make(http.Header)
		header.Set("Accept", "application/json")
		resp, err := s.get(ctx, address, header, false)
		if err == nil {
			var known string
			if known, err = d.parse(address, resp.body); err == nil {
				return known, nil
			}
		}
		errs = append(errs, err)
		if !elsewhere(err) {
			break
		}
	}
	return "", errors.Join(errs...)
}

// elsewhere reports whether the document may be at another address: the server
// answered, but not with metadata.
func elsewhere(err error) bool {
	var refused *statusError
	return errors.As(err, &refused) || errors.Is(err, errNoMetadata)
}

// documentError is metadata that says the wrong thing.
type documentError struct{ text string }

func (e *documentError) Error() string { return e.text }

var errNoMetadata = errors.New("no metadata document")

// parse reads issuer and jwks_uri, and compares the issuer byte by byte.
//
// RFC 8414 section 3.3: https://www.rfc-editor.org/rfc/rfc8414#section-3.3
func (d *discovery) parse(address string, body []byte) (string, error) {
	doc, err := strictjson.ParseDocument(body)
	if err != nil {
		return "", fmt.Errorf("jwks: %s holds %w: %w", address, errNoMetadata, err)
	}
	issuer, known := text(&doc, "issuer"), text(&doc, "jwks_uri")
	switch {
	case issuer == "":
		return "", fmt.Errorf("jwks: %s holds %w: it names no issuer", address, errNoMetadata)
	case issuer != d.issuer:
		return "", d.wrong("%s says issuer %.200q, configured is %q: set %s to what tokens say in iss (a trailing slash counts), or correct the address; if both are right, set %s", address, issuer, d.issuer, nameIssuer, nameJWKSURL)
	case known == "":
		return "", d.wrong("%s names no jwks_uri: set %s", address, nameJWKSURL)
	}
	if len(known) > maxURL {
		return "", d.wrong("%s names a jwks_uri of %d bytes", address, len(known))
	}
	if err := d.plain.refusesSet(known, address); err != nil {
		return "", d.wrong("%s names jwks_uri %.200q: %v", address, known, err)
	}
	return known, nil
}

// wrong returns the mistake of a document, with the settings called as the user
// of the program does.
func (d *discovery) wrong(format string, args ...any) error {
	err := setting.Errorf(format, args...)
	for _, names := range d.names {
		err = setting.Rename(err, "", names)
	}
	return &documentError{"jwks: " + err.Error()}
}

// text returns a member that is a string, else "".
func text(doc *strictjson.Object, name string) string {
	v, _ := doc.Get(name)
	s, _ := v.Text()
	return strings.Clone(s)
}
