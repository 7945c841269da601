package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Listen listens on host:port; port 0 picks a free one. ctx is for looking up
// the host. The error names the
// flag that chooses another address.
func Listen(ctx context.Context, flag, addr string) (net.Listener, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return nil, fmt.Errorf("%s %q must be host:port, such as 127.0.0.1:8080: %w", flag, addr, err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, ListenError(flag, addr, err)
	}
	return l, nil
}

// ListenError says what to change where err is why nobody listens on addr.
func ListenError(flag, addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use: stop the other program or choose another with %s", addr, flag)
	}
	return fmt.Errorf("cannot listen on %s, choose another with %s: %w", addr, flag, err)
}
