package redisstore_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/revocation"
	"github.com/sallyport-go/sallyport/stores/redisstore"
	"github.com/sallyport-go/sallyport/verifier"
)

const (
	issuer  = "https://issuer.example/"
	patient = time.Minute // for what takes an unknown while, on a slow machine too
)

// asInstance is set for a process that is another instance of an API; see instance.
const asInstance = "REDISSTORE_TEST_INSTANCE"

// skipped counts the tests that wanted a redis-server where none is installed.
var skipped atomic.Int32

func TestMain(m *testing.M) {
	redis.SetLogger(silent{})
	if address := os.Getenv(asInstance); address != "" {
		serveInstance(address)
		return
	}
	code := m.Run()
	if n := skipped.Load(); n > 0 {
		fmt.Printf("redisstore: %d tests were SKIPPED: redis-server is not installed\n", n)
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

// server is a process of redis-server on a loopback port.
type server struct {
	tb   testing.TB
	dir  string
	args []string
	addr string
	cmd  *exec.Cmd
}

// newServer starts a redis-server, or skips the test where none is installed and
// none is required.
func newServer(tb testing.TB, args ...string) *server {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("REQUIRE_REDIS") != "" {
			require.NoError(tb, err, "REQUIRE_REDIS is set")
		}
		skipped.Add(1)
		tb.Skip("redis-server is not installed") //nolint:forbidigo // a machine without Redis can build and test the rest; CI sets REQUIRE_REDIS
	}
	s := &server{tb: tb, dir: tb.TempDir(), args: args}
	for try := 0; ; try++ {
		s.addr = freeAddress(tb)
		if s.start() || try == 4 {
			break
		}
	}
	require.NotNil(tb, s.cmd, "redis-server does not start")
	tb.Cleanup(s.kill)
	return s
}

// deadAddress is one at which every connection ends at once, until the test is over.
func deadAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	})
	tb.Cleanup(func() { _ = l.Close(); done.Wait() })
	return l.Addr().String()
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	defer l.Close()
	return l.Addr().String()
}

// start starts the server at its address, and reports whether it answers.
func (s *server) start() bool {
	s.tb.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	args := slices.Concat(s.args, []string{"--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--daemonize", "no"})
	cmd := exec.Command("redis-server", args...)
	require.NoError(s.tb, cmd.Start())
	s.cmd = cmd
	client := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1})
	defer client.Close()
	for end := time.Now().Add(patient); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if client.Ping(context.Background()).Err() == nil && strings.Contains(client.Info(context.Background(), "server").Val(), fmt.Sprintf("process_id:%d", cmd.Process.Pid)) {
			return true
		}
		if cmd.Process.Signal(syscall.Signal(0)) != nil {
			break
		}
	}
	s.kill()
	return false
}

// kill ends the process as a crash does.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// restart starts a server that was killed again, with nothing but its files.
func (s *server) restart() {
	s.tb.Helper()
	require.True(s.tb, s.start(), "redis-server does not start again")
}

// hang makes the server hang, and goOn lets it go on.
func (s *server) hang() { require.NoError(s.tb, s.cmd.Process.Signal(syscall.SIGSTOP)) }
func (s *server) goOn() { require.NoError(s.tb, s.cmd.Process.Signal(syscall.SIGCONT)) }

// client is a client with the time-outs that it has by itself, which are long.
func (s *server) client() *redis.Client {
	return clientOf(s.tb, s.addr)
}

func clientOf(tb testing.TB, addr string) *redis.Client {
	tb.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

// open makes a Store, as another instance would have it. It waits for Redis as long
// as a slow machine takes: what tests the time-out sets its own.
func open(tb testing.TB, client redis.UniversalClient, changes ...func(*redisstore.Config)) *redisstore.Store {
	tb.Helper()
	cfg := redisstore.Config{Client: client, Timeout: patient}
	for _, change := range changes {
		change(&cfg)
	}
	s, err := redisstore.New(cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { assert.NoError(tb, s.Close()) })
	return s
}

func digest(what ...any) [32]byte { return sha256.Sum256([]byte(fmt.Sprint(what...))) }

// proofs asks a store about proofs of one client.
func remember(tb testing.TB, s *redisstore.Store, proof, client any) bool {
	tb.Helper()
	fresh, err := s.Replays().Remember(context.Background(), digest(proof), digest("client", client), time.Now().Add(time.Minute))
	require.NoError(tb, err)
	return fresh
}

func token(tb testing.TB, changes map[string]any) *claims.Claims {
	tb.Helper()
	all := map[string]any{"iss": issuer, "sub": "alice", "client_id": "app", "jti": "id-1", "iat": 1_800_000_000}
	for name, value := range changes {
		all[name] = value
	}
	payload, err := json.Marshal(all)
	require.NoError(tb, err)
	c, err := claims.Parse(payload, claims.Mapping{})
	require.NoError(tb, err)
	return c
}

func withID(tb testing.TB, id string) *claims.Claims {
	tb.Helper()
	return token(tb, map[string]any{"jti": id})
}

func deny(id string) revocation.Entry { return revocation.Token("", id, time.Time{}) }

// eventually waits for a condition, which is asked in the test's own goroutine.
func eventually(tb testing.TB, condition func() bool, what string) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patient); !condition(); <-tick.C {
		require.True(tb, time.Now().Before(end), "never: "+what)
	}
}

// revoked asks a denylist that must know, or will when its copy is fresh again.
func revoked(tb testing.TB, d *redisstore.Denylist, id string) (is bool) {
	tb.Helper()
	eventually(tb, func() (known bool) {
		var err error
		is, err = d.Revoked(context.Background(), withID(tb, id))
		return err == nil
	}, "it is known whether "+id+" is revoked")
	return is
}

// instance is another process with a Store of its own over the same server. It takes
// one command a line: proof NAME, deny ID, revoked ID, secrets.
type instance struct {
	tb  testing.TB
	in  *json.Encoder
	out *bufio.Scanner
}

func newInstance(tb testing.TB, addr string) *instance {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asInstance+"="+addr)
	in, err := cmd.StdinPipe()
	require.NoError(tb, err)
	out, err := cmd.StdoutPipe()
	require.NoError(tb, err)
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	require.NoError(tb, cmd.Start())
	tb.Cleanup(func() {
		_ = in.Close() // it ends by itself
		assert.NoError(tb, cmd.Wait(), trouble.String())
	})
	i := &instance{tb: tb, in: json.NewEncoder(in), out: bufio.NewScanner(out)}
	require.Equal(tb, strconv.Itoa(cmd.Process.Pid), i.say("pid", ""), "it is a process of its own")
	return i
}

// knows asks whether a token is revoked, until the other instance knows.
func (i *instance) knows(id string) (answer string) {
	i.tb.Helper()
	eventually(i.tb, func() bool { answer = i.say("revoked", id); return !failed(answer) }, "the other process knows of "+id)
	return answer
}

// failed reports whether an answer of another instance is an error.
func failed(answer string) bool { return strings.HasPrefix(answer, "error") }

func (i *instance) say(command, argument string) string {
	i.tb.Helper()
	require.NoError(i.tb, i.in.Encode([2]string{command, argument}))
	require.True(i.tb, i.out.Scan(), "the other instance has ended")
	return i.out.Text()
}

// serveInstance is the other process.
func serveInstance(addr string) {
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	store, err := redisstore.New(redisstore.Config{Client: client, Timeout: patient})
	if err != nil {
		panic(err)
	}
	defer store.Close()
	ctx, list, secrets := context.Background(), store.Denylist(), store.NonceSecrets()
	if err := store.Ready(ctx); err != nil {
		panic(err)
	}
	commands := json.NewDecoder(os.Stdin)
	for {
		var c [2]string
		if commands.Decode(&c) != nil {
			return
		}
		var answer any
		var err error
		switch c[0] {
		case "pid":
			answer = os.Getpid()
		case "proof":
			answer, err = store.Replays().Remember(ctx, digest(c[1]), digest("client"), time.Now().Add(time.Minute))
		case "deny":
			answer, err = "denied", list.Deny(ctx, deny(c[1]))
		case "revoked":
			payload, _ := json.Marshal(map[string]string{"iss": issuer, "jti": c[1]})
			who, _ := claims.Parse(payload, claims.Mapping{})
			answer, err = list.Revoked(ctx, who)
		case "secrets":
			var all [][]byte
			if all, err = secrets.Secrets(ctx); err == nil {
				answer = fmt.Sprintf("%x", all)
			}
		}
		if err != nil {
			answer = fmt.Sprintf("error: %q", err.Error())
		}
		fmt.Println(answer)
	}
}

// silent is a log of go-redis that nobody reads.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// codeOf returns the reason of a refusal, "" for none.
func codeOf(err error) reason.Code {
	if e, ok := errors.AsType[*verifier.Error](err); ok {
		return e.Reason
	}
	return ""
}
