package attack

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/internal/quote"
)

// grace is how long a program has to end by itself.
const grace = 5 * time.Second

// program is the API where a command starts it. A nil program is one that runs without us.
type program struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended
	why    string        // then
	output *tail
}

// start runs the command with the issuer in its environment, in a group of its own, so that what it starts ends with it.
func start(_ context.Context, cfg *Config, issuer string) (*program, error) {
	p := &program{exited: make(chan struct{}), output: &tail{}}
	p.cmd = exec.Command(cfg.Command[0], cfg.Command[1:]...) //nolint:gosec,noctx // it is the user's own; stop ends it, with all that it started
	p.cmd.Env = append(os.Environ(),
		"SALLYPORT_ISSUER="+issuer, "SALLYPORT_AUDIENCE="+cfg.Audience, "ISSUER="+issuer, "AUDIENCE="+cfg.Audience)
	var out io.Writer = p.output
	if cfg.Output != nil {
		out = io.MultiWriter(p.output, cfg.Output)
	}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.WaitDelay = grace // a grandchild may hold the pipe
	ownGroup(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, untried("the command does not start: %v", err)
	}
	go func() {
		defer close(p.exited)
		p.why = "it exited with 0"
		if err := p.cmd.Wait(); err != nil {
			p.why = err.Error()
		}
	}()
	return p, nil
}

// ended reports whether the program has ended, and how.
func (p *program) ended() (ended bool, why string) {
	if p == nil {
		return false, ""
	}
	select {
	case <-p.exited:
		return true, p.why
	default:
		return false, ""
	}
}

// stop ends the program and what it started.
func (p *program) stop() {
	if p == nil {
		return
	}
	interrupt(p.cmd)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
	}
	kill(p.cmd) // what is left of the group
	<-p.exited
}

// tail returns the end of what the program printed, for an error.
func (p *program) tail() string {
	if p == nil {
		return ""
	}
	text := p.output.String()
	if text == "" {
		return "\nthe command printed nothing"
	}
	return "\nthe end of what the command printed:\n" + quote.Lines(text)
}

// tail keeps the last bytes that were written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write implements [io.Writer].
func (t *tail) Write(p []byte) (int, error) {
	const most = 2000
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - most; over > 0 {
		t.text = append([]byte(nil), t.text[over:]...)
	}
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.text), "?"))
}
