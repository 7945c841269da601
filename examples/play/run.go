package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/demo"
)

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return demo.ExitOK
	case err != nil:
		fmt.Fprintln(stderr, err)
		return demo.ExitUsage
	}
	return perform(ctx, o, demo.Orders, stdout, stderr)
}

// perform plays on a stage whose API is started by start.
func perform(ctx context.Context, o options, start demo.Starter, stdout, stderr io.Writer) int {
	stage, err := setStage(ctx, o, start)
	if err != nil {
		fmt.Fprintln(stderr, "play:", err)
		return demo.ExitFailed
	}
	p := newPlay(stage, &screen{w: stdout, color: o.color})
	good := p.play(ctx)
	if good && !o.once {
		good = p.goOn(ctx)
	}
	p.transport.CloseIdleConnections()
	if err := stage.Close(); err != nil {
		fmt.Fprintln(stderr, "play:", err)
		return demo.ExitFailed
	}
	if !good || p.tally.differ() > 0 {
		return demo.ExitFailed
	}
	return demo.ExitOK
}

// goOn says how to go on by hand, and serves until ctx ends. It reports whether
// it served for so long.
func (p *play) goOn(ctx context.Context) bool {
	p.byHand()
	p.stage.refusals.follow(p.screen.refusal)
	select {
	case <-ctx.Done():
		return true
	case <-p.stage.API.Failed():
		p.screen.say("the API serves no more")
		return false
	}
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
