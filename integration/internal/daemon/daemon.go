// Package daemon is the frame of the small authorization servers that are built
// around a library: flags, keys that outlive a restart, and two requests by
// which a test changes the keys.
//
//	POST /control/rotate?alg=ES256   a new key signs from now on
//	POST /control/retire             only the newest key stays published
package daemon

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// What each of the servers knows.
const (
	Audience     = "api://orders"
	Reader       = "reader" // a client that may ask for the scopes of Scopes
	ReaderSecret = "reader-secret-of-the-tests"
)

// Scopes are those that a client may ask for.
func Scopes() []string { return []string{"get", "post"} }

// Main runs a server until SIGTERM. build returns its handler; issuer is
// http://HOST:PORT without a slash at the end.
func Main(build func(issuer string, keys *Keys) (http.Handler, error)) {
	if err := run(build); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(build func(issuer string, keys *Keys) (http.Handler, error)) error {
	addr := flag.String("addr", "127.0.0.1:0", "where to listen, as `host:port`")
	file := flag.String("keys", "keys.json", "the `file` of the keys")
	flag.Parse()
	keys, err := Open(*file)
	if err != nil {
		return err
	}
	handler, err := build("http://"+*addr, keys)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /control/rotate", func(w http.ResponseWriter, r *http.Request) { answer(w, keys.Rotate(r.FormValue("alg"))) })
	mux.HandleFunc("POST /control/retire", func(w http.ResponseWriter, _ *http.Request) { answer(w, keys.Retire()) })
	mux.Handle("/", handler)

	server := &http.Server{Addr: *addr, Handler: mux, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
