// Command sallyport shows why a token is accepted or refused, and attacks APIs.
//
//	sallyport explain -issuer https://issuer.example/ -audience api://orders < token
//	sallyport explain -scope orders.write < token    # reads SALLYPORT_* as the API does
//	sallyport inspect < token
//	sallyport attack -url http://127.0.0.1:8080/orders -audience api://orders -- ./api
//	sallyport version
//
// explain runs every check that the library runs, and ends with the fix in one
// sentence. With a rule (-scope, -role, -permission, -access) it also says what
// the token lacks where the API answers 403. With a proof (-dpop, and the -method
// and -url of its request) it says which check of the proof fails. inspect only
// decodes, and prints that nothing was verified. attack tries a running API, of
// any language, with forgeries of tokens and odd requests.
//
// Exit status: 0 accepted, 1 refused, 2 wrong use, 3 the issuer's keys could
// not be had. Of attack: 0 nothing was found, 1 something was, 2 wrong use, 3 the
// API could not be tried.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	accepted    = 0
	refused     = 1
	wrongUse    = 2
	unavailable = 3
)

const usage = `sallyport tells why a token is accepted or refused, and attacks APIs.

  sallyport explain -issuer URL -audience AUD [flags] [TOKEN|-]
  sallyport inspect [TOKEN|-]
  sallyport attack -url URL -audience AUD [flags] [-- COMMAND ARGS]
  sallyport version

The token comes from standard input unless it is given; an argument shows in
the list of processes. It may be wrapped over lines, have Bearer in front, or
be a whole token response. "sallyport explain -h" lists the flags.

explain takes from the environment what no flag gives: SALLYPORT_ISSUER and
the other variables of the library, so that it judges as the API beside it.

Exit status: 0 accepted, 1 refused, 2 wrong use, 3 not judged, for the issuer's
keys could not be had. "sallyport attack -h" says what it does, and its own.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errs, usage)
		return wrongUse
	}
	var code int
	var err error
	switch args[0] {
	case "explain":
		code, err = explain(ctx, args[1:], in, out, errs)
	case "inspect":
		code, err = inspect(args[1:], in, out, errs)
	case "attack":
		code, err = attackAPI(ctx, args[1:], out, errs)
	case "version", "-version", "--version":
		code, err = version(args[1:], out)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(out, usage)
		return accepted
	default:
		fmt.Fprintf(errs, "sallyport: no command %s: use explain, inspect, attack or version (sallyport help says how)\n", hint(args[0]))
		return wrongUse
	}
	if errors.Is(err, flag.ErrHelp) {
		return accepted
	}
	if err != nil {
		complain(errs, args, err)
		return max(code, refused)
	}
	return code
}
