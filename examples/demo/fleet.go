package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"time"

	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

const (
	fleetOrigin = "https://orders.example" // what clients know all instances by
	copyCounts  = time.Second              // the longest time that a copy of the denylist is good for

	redisReturns = 30 * time.Second // how long it may take until the API finds Redis again
)

// fleet is two instances of the API that share a Redis.
type fleet struct {
	*beyond
	server    *redisServer
	instances []*api.Server
	nonce     string // the last one of an instance
}

// fleet plays two instances that share what they know. Where there is no Redis it
// is skipped, and counted as that.
func (b *beyond) fleet(ctx context.Context) {
	c := call{who: "redis"}
	if _, err := exec.LookPath(b.redis); err != nil {
		if b.needsRedis {
			b.show(ctx, c, answer{}, errors.New("REQUIRE_REDIS is set, and "+b.redis+" is not installed"), outcome{}, "")
			return
		}
		b.skipped++
		b.screen.line("    ", b.screen.in(yellow, "SKIPPED"), "  "+b.redis+" is not installed: nothing of this act was played")
		return
	}
	f := &fleet{beyond: b}
	err := f.open(ctx)
	if err == nil {
		f.act(ctx)
	}
	if err = errors.Join(err, f.end()); err != nil {
		b.show(ctx, c, answer{}, err, outcome{}, "")
	}
}

func (f *fleet) open(ctx context.Context) (err error) {
	if f.server, err = startRedis(ctx, f.redis); err != nil {
		return err
	}
	cfg := f.play.api.Config
	cfg.DPoP, cfg.DPoPNonce, cfg.Origin, cfg.Redis = "accept", true, fleetOrigin, "redis://"+f.server.addr+"/0"
	for range 2 {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		instance, err := api.Serve(l, cfg)
		if err != nil {
			return err
		}
		f.instances = append(f.instances, instance)
	}
	return nil
}

func (f *fleet) end() error {
	var errs []error
	for _, instance := range f.instances {
		errs = append(errs, instance.Close())
	}
	if f.server != nil {
		errs = append(errs, f.server.close())
	}
	return errors.Join(errs...)
}

// act plays one proof at both instances, a Redis that dies, and one that is back.
func (f *fleet) act(ctx context.Context) {
	bound, bearer := get("all", "/orders", f.tokenWith(ctx, nil, f.own)), get("all", "/orders", f.tokenWith(ctx, nil, nil))
	f.at(ctx, 0, bound, f.proof(bound), f.refusedProof("use_dpop_nonce", "use_dpop_nonce"), "instance 1 asks for its nonce")
	used := f.proof(bound)
	f.at(ctx, 1, bound, used, accepted(http.StatusOK), "which is good at instance 2")
	replayed := f.refusedProof("invalid_dpop_proof", "replayed_dpop_proof")
	f.at(ctx, 0, bound, used, replayed, "instance 1: used before, elsewhere")
	f.at(ctx, 1, bound, used, replayed, "instance 2 too")
	f.at(ctx, 0, bearer, "", accepted(http.StatusOK), "a bearer token")

	f.server.kill()
	wait(ctx, copyCounts+copyCounts/10)
	f.at(ctx, 0, bound, f.proof(bound), unavailable("revocation_unavailable"), "Redis is dead: a proof cannot be judged")
	f.at(ctx, 1, bearer, "", unavailable("revocation_unavailable"), "nor a bearer token, which may be withdrawn")

	if err := f.server.start(ctx); err != nil {
		f.show(ctx, call{who: "redis"}, answer{}, err, outcome{}, "")
		return
	}
	f.at(ctx, 0, bearer, "", accepted(http.StatusOK), "Redis is back, with nothing: it goes on by itself")
}

// proof makes one for the origin of the fleet, with the last nonce.
func (f *fleet) proof(c call) string {
	var options []jwkstest.TokenOption
	if f.nonce != "" {
		options = append(options, jwkstest.Claims{"nonce": f.nonce})
	}
	return f.own.Proof(c.method, fleetOrigin+c.path, c.token, options...)
}

// at sends a call to an instance, with a proof unless that is "". Where the answer is
// not to be a 503 it sends it again until it is none: a Redis that has just started, or
// a machine that is busy, may have the copy of the denylist be too old for a while.
func (f *fleet) at(ctx context.Context, instance int, c call, proof string, want outcome, note string) {
	a, err := f.try(ctx, instance, c, proof)
	for deadline := time.Now().Add(redisReturns); err == nil && a.outcome == unavailable("revocation_unavailable") && a.outcome != want &&
		time.Now().Before(deadline) && ctx.Err() == nil; a, err = f.try(ctx, instance, c, proof) {
		wait(ctx, 50*time.Millisecond)
	}
	f.show(ctx, c, a, err, want, note)
	if nonce := a.header.Get("DPoP-Nonce"); nonce != "" {
		f.nonce = nonce
	}
}

// try sends a call once.
func (f *fleet) try(ctx context.Context, instance int, c call, proof string) (answer, error) {
	f.refusals.take()
	r, err := http.NewRequestWithContext(ctx, c.method, f.instances[instance].URL()+c.path, http.NoBody)
	if err == nil {
		r.Header.Set("Authorization", "Bearer "+c.token)
		if proof != "" {
			r.Header.Set("Authorization", "DPoP "+c.token)
			r.Header.Set("DPoP", proof)
		}
	}
	a, err := f.do(r, err)
	a.reasons = f.refusals.take()
	return a, err
}

// refusedProof is the 401 of an instance to a proof.
func (f *fleet) refusedProof(code, reason string) outcome {
	challenges := `DPoP realm="orders", error="` + code + `", algs="ES256 EdDSA Ed25519 PS256 RS256", ` + realm
	return outcome{http.StatusUnauthorized, challenges, false, reason}
}

// unavailable is the 503 of an instance that cannot judge.
func unavailable(reason string) outcome {
	return outcome{http.StatusServiceUnavailable, "", true, reason}
}
