// Command client calls the gRPC API of the directory above the way a program should: it
// gets a token by client credentials once, keeps it, gets the next one when it is about
// to expire, and sends it with each call. In the directory examples:
//
//	CLIENT_SECRET=... go run ./grpc/client -token-url https://issuer.example/token -client-id warehouse
//
// It lists the orders, creates one and watches, -n messages long. The secret comes from
// the environment, so that it shows in no process list. A server on this machine is
// called without TLS, any other with it.
//
// It exits with 0 when every call succeeded, 1 when one did not, 2 when the flags are
// wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
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
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2

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
	addr := flags.String("addr", "127.0.0.1:50051", "what to call, as `host:port`")
	flags.StringVar(&config.TokenURL, "token-url", "", "where tokens come from")
	flags.StringVar(&config.ClientID, "client-id", "", "who asks")
	secretEnv := flags.String("secret-env", "CLIENT_SECRET", "the environment variable that holds the client's secret")
	style := flags.String("auth-style", "params", "how the client authenticates: params (in the form) or header (HTTP Basic)")
	audience := flags.String("audience", "", "the API that the token is for, where the server takes one")
	flags.Func("scope", "a scope to ask for (repeatable)", func(v string) error {
		config.Scopes = append(config.Scopes, v)
		return nil
	})
	messages := flags.Int("n", 3, "how many messages to watch")
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
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("client: "+format, args...))
		}
	}
	token, err := url.Parse(config.TokenURL)
	check(err == nil && token.Host != "" && (token.Scheme == "https" || token.Scheme == "http" && isLoopback(token.Hostname())),
		"-token-url must be an https URL, or http on this machine: the secret goes there")
	check(config.ClientID != "", "-client-id is missing")
	check(config.AuthStyle != oauth2.AuthStyleAutoDetect, "-auth-style %q must be params or header", *style)
	check(config.ClientSecret != "", "put the client's secret into the environment variable %s", *secretEnv)
	check(flags.NArg() == 0, "unexpected argument %q", flags.Arg(0))
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	if err := callAll(ctx, *addr, config, *messages, stdout); err != nil {
		fmt.Fprintln(stderr, explain(err))
		return exitFailed
	}
	return exitOK
}

// styles are the ways to authenticate at the token endpoint. Which one a server wants is in
// its documentation; guessing costs a refused request first.
var styles = map[string]oauth2.AuthStyle{"params": oauth2.AuthStyleInParams, "header": oauth2.AuthStyleInHeader}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// dial returns a connection whose calls have a token each: the same one until shortly
// before it expires. Keep one connection for as long as the program calls the API. ctx
// bounds the requests for tokens, so it must live as long.
func dial(ctx context.Context, addr string, config clientcredentials.Config) (*grpc.ClientConn, error) {
	transport := credentials.NewTLS(nil)
	host, _, _ := net.SplitHostPort(addr)
	if isLoopback(host) {
		transport = insecure.NewCredentials()
	}
	asker := &http.Client{Timeout: requestTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	tokens := config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, asker))
	return grpc.NewClient(addr,
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(perCall{tokens: tokens, plain: isLoopback(host)}))
}

// perCall are the credentials of each call.
type perCall struct {
	tokens oauth2.TokenSource
	plain  bool // the token may go over a connection without TLS
}

// GetRequestMetadata returns the token of a call. Where there is none the call is
// Unavailable: nobody has refused it.
func (p perCall) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := p.tokens.Token()
	if err != nil {
		return nil, status.Error(codes.Unavailable, "no token: "+err.Error())
	}
	return map[string]string{"authorization": "Bearer " + token.AccessToken}, nil
}

// RequireTransportSecurity reports whether grpc-go must refuse a connection without TLS.
func (p perCall) RequireTransportSecurity() bool { return !p.plain }

// callAll calls every method.
func callAll(ctx context.Context, addr string, config clientcredentials.Config, messages int, stdout io.Writer) error {
	conn, err := dial(ctx, addr, config)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is lost with it
	for _, method := range []string{"List", "Create", "List"} {
		answer := new(structpb.Struct)
		if err := conn.Invoke(ctx, "/orders.v1.Orders/"+method, new(emptypb.Empty), answer); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		fmt.Fprintln(stdout, method, answer.AsMap())
	}
	if err := watch(ctx, conn, messages, stdout); err != nil {
		return fmt.Errorf("Watch: %w", err)
	}
	return nil
}

func watch(ctx context.Context, conn *grpc.ClientConn, messages int, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/orders.v1.Orders/Watch")
	if err != nil {
		return err
	}
	if err := errors.Join(stream.SendMsg(new(emptypb.Empty)), stream.CloseSend()); err != nil {
		return err
	}
	for range messages {
		message := new(structpb.Struct)
		if err := stream.RecvMsg(message); err != nil {
			return err
		}
		fmt.Fprintln(stdout, "Watch", message.AsMap())
	}
	return nil
}

// explain says what a program can learn of a refusal: the code, and whether trying again
// helps.
func explain(err error) string {
	text := []string{"client: " + err.Error()}
	for _, detail := range status.Convert(err).Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			text = append(text, "reason: "+d.GetReason())
		case *errdetails.RetryInfo:
			text = append(text, "try again in "+d.GetRetryDelay().AsDuration().String())
		}
	}
	return strings.Join(text, "\n")
}
