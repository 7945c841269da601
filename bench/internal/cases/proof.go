package cases

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
)

// proof compares the check of a DPoP proof with that of its signature alone. The
// token was verified before: its own cost is that of the group Seen.
func proof(alg string) Group {
	return Group{Name: "Proof", Open: func() ([]Case, func()) {
		f := fixture.New(alg)
		at := time.Now().Truncate(time.Second)
		p := f.NewProver(alg)
		token := f.Token(p.Bound())
		const address = "https://api.example/orders/4711"
		one := &fixture.Fixture{Algorithm: alg, Public: p.Public(), Good: p.Proof(http.MethodGet, address, token)}
		cl := fixture.Must(claims.Parse([]byte(`{"iss":"`+fixture.Issuer+`","azp":"0d4f7c1e","cnf":{"jkt":"`+p.Thumbprint()+`"}}`), claims.DefaultMapping()))
		prefix := "alg=" + alg + "/impl="
		return []Case{
			{Name: prefix + "bare", Run: holds(contest.Bare(one))},
			{Name: prefix + "sallyport", Run: proves(p, address, token, cl, func() time.Time { return at }, nil)},
			{Name: prefix + "sallyport/nonce", Run: proves(p, address, token, cl, func() time.Time { return at }, dpop.NewNonces())},
		}, f.Close
	}}
}

// proves checks a few hundred proofs again and again, against a store that takes each for a new one, and remembers as
// many as come in a window at 10 000 a second.
func proves(p *jwkstest.Prover, address, token string, cl *claims.Claims, now func() time.Time, nonces dpop.NonceSecrets) func(int) {
	const many = 256
	binding := fixture.Must(dpop.New(dpop.Config{Origin: "https://api.example", Now: now, Nonces: nonces, Replays: newForgetful()}))
	credential := middleware.Credential{Scheme: "DPoP", Token: token}
	requests := make([]*http.Request, many)
	for i := range requests {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/orders/4711?x=1", http.NoBody)
		nonce := jwkstest.Claims{}
		if nonces != nil {
			r.Header.Set("DPoP", p.Proof(http.MethodGet, address, token))
			if refused, ok := binding.Check(r, credential, cl).(*middleware.Error); ok { //nolint:errorlint // never wrapped
				nonce["nonce"] = refused.Header[0][1]
			}
		}
		r.Header.Set("DPoP", p.Proof(http.MethodGet, address, token, nonce))
		requests[i] = r
	}
	next := 0
	return func(n int) {
		for range n {
			if err := binding.Check(requests[next%many], credential, cl); err != nil {
				panic(err)
			}
			binding.Offer(requests[next%many])
			next++
		}
	}
}

// forgetful is a store in its steady state: it changes each entry into one that was never there.
type forgetful struct {
	memory *dpop.Memory
	now    time.Time
	count  uint64
}

func newForgetful() *forgetful {
	f := &forgetful{now: time.Now()}
	f.memory = fixture.Must(dpop.NewMemory(dpop.MemoryConfig{PerClient: dpop.DefaultEntries, Now: func() time.Time { return f.now }}))
	for i := range 400_000 { // as many as a window has, and more
		if fresh, err := f.Remember(context.Background(), [32]byte{}, clients[i%len(clients)], time.Time{}); !fresh || err != nil {
			panic("a proof was not remembered")
		}
	}
	return f
}

// Remember implements [dpop.ReplayStore], for one goroutine.
func (f *forgetful) Remember(ctx context.Context, entry, client [32]byte, _ time.Time) (bool, error) {
	f.count++
	f.now = f.now.Add(100 * time.Microsecond)
	binary.LittleEndian.PutUint64(entry[:], f.count*0x9e3779b97f4a7c15)
	return f.memory.Remember(ctx, entry, client, f.now.Add(dpop.DefaultWindow))
}

// replays is the store alone: proofs that come at 10 000 a second and stay for their
// window, as by a clock that goes with them.
func replays() Group {
	return Group{Name: "Replays", Open: func() ([]Case, func()) {
		f := newForgetful()
		remember := func(n int) {
			for i := range n {
				if fresh, err := f.Remember(context.Background(), [32]byte{}, clients[i%len(clients)], time.Time{}); !fresh || err != nil {
					panic("a proof was not remembered")
				}
			}
		}
		return []Case{{Name: "impl=memory/rate=10000", Run: remember}}, func() {}
	}}
}

// clients are the digests of a thousand.
var clients = func() (list [1000][32]byte) {
	for i := range list {
		list[i] = sha256.Sum256([]byte{byte(i), byte(i >> 8)})
	}
	return list
}()
