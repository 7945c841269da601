package grpcauth

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// stream is a stream whose context has the claims of its caller, and which ends with
// its token where that was asked for.
type stream struct {
	grpc.ServerStream
	ctx            context.Context //nolint:containedctx // Context of a ServerStream returns it
	ends           bool            // the context ends with the token
	isServerStream bool
	sent           atomic.Bool
}

// Context returns the context of the call, with the claims.
func (s *stream) Context() context.Context { return s.ctx }

// SendMsg sends a message unless the token has expired.
func (s *stream) SendMsg(m any) error {
	err := untilExpiry(s.ctx, s.ends, func() error { return s.ServerStream.SendMsg(m) })
	if err == nil {
		s.sent.Store(true)
	}
	return err
}

// RecvMsg receives a message unless the token has expired, or expires meanwhile.
func (s *stream) RecvMsg(m any) error {
	return untilExpiry(s.ctx, s.ends, func() error { return s.ServerStream.RecvMsg(m) })
}

// answered reports whether the one answer of a method was sent, whose stream is the
// client's alone.
func (s *stream) answered() bool { return !s.isServerStream && s.sent.Load() }

// errExpired is what a method sees. Its caller sees the refusal, whatever the method
// makes of this.
var errExpired = status.Error(codes.Unauthenticated, expiredMessage)

// errUnfinished is for a codec that ends its goroutine: nothing was sent or received.
var errUnfinished = status.Error(codes.Internal, "the message could not be handled")

// untilExpiry calls do and returns what it returned, or errExpired when the token
// that ctx ends with expires before that: a peer that neither sends nor reads would
// otherwise keep the call for ever. What do waits for then ends with the method, for
// grpc-go ends the stream.
func untilExpiry(ctx context.Context, ends bool, do func() error) error {
	if !ends {
		return do()
	}
	if tokenExpired(ctx) {
		return errExpired
	}
	done := make(chan outcome, 1)
	go func() {
		o := outcome{err: errUnfinished}
		defer func() {
			if p := recover(); p != nil {
				o.panicked = fmt.Sprintf("%v\n\n%s", p, debug.Stack())
			}
			done <- o
		}()
		o.err = do()
	}()
	select {
	case o := <-done:
		return o.result()
	case <-ctx.Done():
	}
	if tokenExpired(ctx) {
		return errExpired
	}
	return (<-done).result() // the call itself was ended, and do notices that
}

// outcome is what became of a call in a goroutine of its own.
type outcome struct {
	err      error
	panicked string // "" if it returned
}

// result goes on panicking where do did, in the goroutine of the method, whose
// interceptors may be there to recover.
func (o outcome) result() error {
	if o.panicked != "" {
		panic(o.panicked)
	}
	return o.err
}
