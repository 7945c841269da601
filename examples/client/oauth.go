package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Style is how a client authenticates at the token endpoint.
type Style string

// The styles. Which one a server wants is in its documentation; guessing, as
// x/oauth2 does otherwise, costs a refused request first.
const (
	InParams Style = "params" // client_id and client_secret among the form's parameters
	InHeader Style = "header" // HTTP Basic
)

// Credentials say who asks where for a token and for what.
type Credentials struct {
	_ [0]func()

	TokenURL string // https, or http on loopback
	ClientID string
	Secret   string
	Style    Style

	Scopes   []string // Entra: the resource with /.default
	Audience string   // Auth0: the API; elsewhere empty
}

const requestTimeout = 10 * time.Second

// NewClient returns an http.Client that sends a bearer token with each request.
// It gets the token on first use, shares it between all requests, and gets the
// next one shortly before it expires. Keep one client for as long as the
// program calls the API: the token lives in it. ctx bounds the token requests,
// so it must live as long. It is safe for concurrent use.
func NewClient(ctx context.Context, c Credentials) (*http.Client, error) {
	errs := []error{checkURL("-token-url", c.TokenURL)}
	if c.ClientID == "" {
		errs = append(errs, errors.New("client: -client-id is missing"))
	}
	style, ok := map[Style]oauth2.AuthStyle{InParams: oauth2.AuthStyleInParams, InHeader: oauth2.AuthStyleInHeader}[c.Style]
	if !ok {
		errs = append(errs, fmt.Errorf("client: -auth-style %q must be %s or %s", c.Style, InParams, InHeader))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	config := clientcredentials.Config{ClientID: c.ClientID, ClientSecret: c.Secret, TokenURL: c.TokenURL, Scopes: c.Scopes, AuthStyle: style}
	if c.Audience != "" {
		config.EndpointParams = url.Values{"audience": {c.Audience}}
	}
	// One client asks for tokens and carries the calls. It follows no redirect:
	// the token goes with every request that it sends, so the next host would
	// get it.
	base := &http.Client{
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return config.Client(context.WithValue(ctx, oauth2.HTTPClient, base)), nil
}

// checkURL refuses to send secrets and tokens in the clear, but on loopback.
func checkURL(name, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return fmt.Errorf("client: %s must be a URL with a host, such as https://issuer.example/token", name)
	}
	addr, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
	if u.Scheme == "https" || u.Scheme == "http" && loopback {
		return nil
	}
	return fmt.Errorf("client: %s must be https: plain http is for loopback only", name)
}
