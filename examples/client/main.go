// Command client calls a protected API the way a program should: it gets a
// token by client credentials once, keeps it, and gets the next one when it is
// about to expire. It is golang.org/x/oauth2 and little else, and with -dpop a
// transport that proves with each request that the token is its own. In the
// directory examples, go run ./client runs it.
//
// README.md in the directory examples has a command for each of the three
// schemes. The secret comes from the environment, so that it shows in no process
// list.
//
// It exits with 0 when every call succeeded, 1 when one did not, 2 when the
// flags are wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2

	maxCalls = 1000
	maxShown = 1 << 10 // of each answer's body, in bytes

	requestTimeout = 10 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	var config clientcredentials.Config
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&config.TokenURL, "token-url", "", "where tokens come from")
	flags.StringVar(&config.ClientID, "client-id", "", "who asks")
	secretEnv := flags.String("secret-env", "CLIENT_SECRET", "the environment variable that holds the client's secret")
	style := flags.String("auth-style", "params", "how the client authenticates: params (in the form) or header (HTTP Basic)")
	audience := flags.String("audience", "", "the API that the token is for, where the server takes one")
	flags.Func("scope", "a scope to ask for (repeatable)", func(v string) error {
		config.Scopes = append(config.Scopes, v)
		return nil
	})
	api := flags.String("api", "http://127.0.0.1:8080/orders", "what to call")
	method := flags.String("method", http.MethodGet, "how to call it")
	proofs := flags.Bool("dpop", false, "bind the token to a key of this program, and send a proof of it with each request (DPoP)")
	calls := flags.Int("n", 3, "how often to call it; the token is fetched once")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	config.ClientSecret, config.AuthStyle = getenv(*secretEnv), styles[*style]
	if *audience != "" {
		config.EndpointParams = url.Values{"audience": {*audience}}
	}
	errs := []error{checkURL("-token-url", config.TokenURL), checkURL("-api", *api)}
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("client: "+format, args...))
		}
	}
	check(config.ClientID != "", "-client-id is missing")
	check(config.AuthStyle != oauth2.AuthStyleAutoDetect, "-auth-style %q must be params or header", *style)
	check(config.ClientSecret != "", "put the client's secret into the environment variable %s", *secretEnv)
	check(*calls >= 1 && *calls <= maxCalls, "-n must be between 1 and %d", maxCalls)
	check(flags.NArg() == 0, "unexpected argument %q", flags.Arg(0))
	if err := errors.Join(errs...); err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return exitUsage
	}
	client, err := newClient(ctx, config, *proofs)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return exitFailed
	}
	for range *calls {
		if err := call(ctx, client, *method, *api, stdout); err != nil {
			_, _ = fmt.Fprintln(stderr, err)
			return exitFailed
		}
	}
	return exitOK
}

// styles are the ways to authenticate at the token endpoint. Which one a server
// wants is in its documentation; guessing, as x/oauth2 does otherwise, costs a
// refused request first.
var styles = map[string]oauth2.AuthStyle{"params": oauth2.AuthStyleInParams, "header": oauth2.AuthStyleInHeader}

// newClient returns an http.Client that sends a bearer token with each request.
// It gets the token on first use, shares it between all requests, and gets the
// next one shortly before it expires. Keep one client for as long as the
// program calls the API: the token lives in it. ctx bounds the token requests,
// so it must live as long. It is safe for concurrent use.
//
// With proofs the token is bound to a key of this program, and an issuer that does
// not bind it is an error: the token would be good for anybody.
func newClient(ctx context.Context, config clientcredentials.Config, proofs bool) (*http.Client, error) {
	// One client asks for tokens and carries the calls. It follows no redirect:
	// the token goes with every request that it sends, so the next host would
	// get it.
	base := &http.Client{
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if !proofs {
		return config.Client(context.WithValue(ctx, oauth2.HTTPClient, base)), nil
	}
	p, err := newProver(http.DefaultTransport)
	if err != nil {
		return nil, fmt.Errorf("client: -dpop: %w", err)
	}
	base.Transport = p
	tokens := config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, base))
	return &http.Client{
		Timeout: base.Timeout, CheckRedirect: base.CheckRedirect,
		Transport: &oauth2.Transport{Base: p, Source: boundTokens{tokens}},
	}, nil
}

// boundTokens is a source of tokens that are bound to a key.
type boundTokens struct{ oauth2.TokenSource }

// Token returns a token that its issuer says is bound (RFC 9449 section 5).
func (b boundTokens) Token() (*oauth2.Token, error) {
	token, err := b.TokenSource.Token()
	if err == nil && !strings.EqualFold(token.TokenType, "DPoP") {
		return nil, fmt.Errorf("client: -dpop: the issuer sent a token of type %.40q, which is bound to no key", token.TokenType)
	}
	return token, err
}

// call makes one request and prints its answer. Any status but a 2xx is an
// error.
func call(ctx context.Context, client *http.Client, method, address string, stdout io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	defer res.Body.Close() //nolint:errcheck // the answer was read or is not wanted
	body, err := io.ReadAll(io.LimitReader(res.Body, maxShown))
	if err != nil {
		return fmt.Errorf("client: read the answer: %w", err)
	}
	_, _ = fmt.Fprintf(stdout, "%s %s -> %s %s\n", method, address, res.Status, strings.TrimSpace(string(body)))
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("client: the API answered %s (WWW-Authenticate: %q)", res.Status, res.Header.Get("WWW-Authenticate"))
	}
	return nil
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
