package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sallyport-go/sallyport/examples/orders/api"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	return perform(ctx, o, startOrders, stdout, stderr)
}

// perform plays on a stage whose API is started by start.
func perform(ctx context.Context, o options, start starter, stdout, stderr io.Writer) int {
	l, err := api.Listen(ctx, "-addr", o.addr)
	if err != nil {
		fmt.Fprintln(stderr, "play:", err)
		return exitFailed
	}
	stage, err := setStage(l, o, start)
	if err != nil {
		fmt.Fprintln(stderr, "play:", err)
		return exitFailed
	}
	p := newPlay(stage, &screen{w: stdout, color: o.color})
	complete := p.play(ctx)
	if complete && !o.once {
		p.byHand()
		stage.refusals.follow(p.screen.refusal)
		<-ctx.Done()
	}
	p.transport.CloseIdleConnections()
	if err := stage.close(); err != nil {
		fmt.Fprintln(stderr, "play:", err)
		return exitFailed
	}
	if !complete || p.tally.differ() > 0 {
		return exitFailed
	}
	return exitOK
}

// play is the performance.
type play struct {
	stage     *stage
	screen    *screen
	tally     tally
	transport *http.Transport
	client    *http.Client
}

// callTimeout is longer than the API waits for keys.
const callTimeout = 15 * time.Second

func newPlay(s *stage, out *screen) *play {
	transport := &http.Transport{MaxIdleConnsPerHost: 2 * callers}
	return &play{
		stage:     s,
		screen:    out,
		transport: transport,
		client:    &http.Client{Transport: transport, Timeout: callTimeout},
	}
}

// play goes through the acts, and reports whether it came to the end.
func (p *play) play(ctx context.Context) (complete bool) {
	begun := time.Now()
	p.screen.title(p.stage)
	for _, act := range []func(context.Context){
		p.okq8, p.messaging, p.bokbasen, p.refused, p.rotation, p.outage, p.coldStart,
	} {
		act(ctx)
		if ctx.Err() != nil {
			p.screen.say("interrupted")
			return false
		}
	}
	p.screen.summary(p.tally.kept.Load(), p.tally.differ(), time.Since(begun))
	return true
}
