package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen opens a TCP listener; flag is the setting to name in the error. An empty address is off: nil.
func (h *Host) listen(ctx context.Context, flag, addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen for %s: %s is in use by another process: stop it, or choose another address with --%s (127.0.0.1:0 takes a free port, an empty one turns it off); set by %s",
			flag, addr, flag, h.loaded.Origin("host."+flag))
	case err != nil:
		return nil, fmt.Errorf("listen for %s at %s: %w; choose another address with --%s; set by %s", flag, addr, err, flag, h.loaded.Origin("host."+flag))
	}
	h.OnClose(flag+" listener", func(context.Context) error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return l, nil
}
