package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	redisProgram = "redis-server"
	redisStarts  = 10 * time.Second // how long one may take to answer
	redisTries   = 3                // a port that was free can be taken by the time that it is used
)

// redisServer is a Redis on a loopback port, which keeps nothing.
type redisServer struct {
	program, addr, dir string
	process            *exec.Cmd
	ended              <-chan struct{} // closed when the process has
}

// startRedis starts one.
func startRedis(ctx context.Context, program string) (s *redisServer, err error) {
	s = &redisServer{program: program}
	if s.dir, err = os.MkdirTemp("", "sallyport-redis-"); err != nil {
		return nil, err
	}
	for range redisTries {
		if s.addr, err = freeAddr(ctx); err != nil {
			break
		}
		if err = s.start(ctx); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, s.close())
}

func freeAddr(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// start starts the process, again after kill, and returns when it answers.
func (s *redisServer) start(ctx context.Context) error {
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return err
	}
	args := []string{"--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--save", "", "--daemonize", "no"}
	process := exec.CommandContext(ctx, s.program, args...) //nolint:gosec // G204: the name of a constant, and arguments of this file
	if err := process.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	s.process, s.ended = process, ended
	go func() {
		defer close(ended)
		_ = process.Wait()
	}()
	for deadline := time.Now().Add(redisStarts); time.Now().Before(deadline) && ctx.Err() == nil; wait(ctx, 10*time.Millisecond) {
		if s.answers(ctx) {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("%s does not answer at %s", s.program, s.addr)
		default:
		}
	}
	s.kill()
	return fmt.Errorf("%s does not answer at %s", s.program, s.addr)
}

// answers reports whether it is this process that answers at the address.
func (s *redisServer) answers(ctx context.Context) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := conn.Write([]byte("INFO server\r\n")); err != nil {
		return false
	}
	own := fmt.Sprintf("process_id:%d", s.process.Process.Pid)
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if strings.TrimSpace(lines.Text()) == own {
			return true
		}
	}
	return false
}

// kill ends the process as a crash does.
func (s *redisServer) kill() {
	if s.process != nil {
		_ = s.process.Process.Kill()
		<-s.ended
		s.process = nil
	}
}

// close ends the process and removes its files.
func (s *redisServer) close() error {
	s.kill()
	return os.RemoveAll(s.dir)
}
