package soak_test

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	duration = flag.Duration("soak", 6*time.Second, "how long")
	output   = flag.String("out", "", "the directory of soak.svg and of faults.md, whose table is written anew; empty: nothing is written")
)

const (
	clients = 64
	pace    = 50 * time.Millisecond // between two requests of a client
	horizon = 15 * time.Second      // after it nothing depends on what was before
	patient = 30 * time.Second      // a run that is worth all phases
)

// phases are one cycle. A short run leaves the last one out.
var phases = []phase{
	{"announced rotation", 1, func(d *director, until time.Time) { d.rotate(until, 4*time.Second, true) }},
	{"unannounced rotation", 1, func(d *director, until time.Time) { d.rotate(until, 3*time.Second, false) }},
	{"unannounced, under a flood", 1, (*director).flood},
	{"revocations", 1, (*director).revoke},
	{"short outages", 1, (*director).shortOutages},
	{"an outage beyond MaxStaleness", 2, (*director).longOutage},
}

func TestSoak(t *testing.T) {
	t.Parallel()
	short := *duration < patient
	r := rules{
		refresh: 2 * time.Second, staleness: 8 * time.Second, cooldown: 2 * time.Second,
		timeout: 2 * time.Second, spacing: time.Second, slack: 2 * time.Second,
	}
	plan := phases
	if short {
		plan = phases[:len(phases)-1]
	}
	d := newDirector(t, r, plan, *duration)
	d.play()
	rep := d.report()
	t.Log("\n" + rep.table())
	if *output != "" {
		rep.write(t, *output)
	}

	for _, c := range d.complaints { // the first few
		assert.Fail(t, c)
	}
	assert.Zero(t, d.wrong, "wrong answers")
	assert.Zero(t, d.stage.books.unexplained(), "fetches that failed though the issuer was well")
	assert.Greater(t, rep.total().passed, int(duration.Seconds())*clients, "too few good answers to say anything")
	if !short {
		rep.checkFlat(t)
	}
}
