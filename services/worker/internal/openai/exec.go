package openai

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/leathq/leat/services/worker/internal/launch"
)

// tellEvery is how often the progress of a server that starts is told.
const tellEvery = 10 * time.Second

// command takes Exec apart and fills in Upstream where it is not given. Without Exec there is no argv.
func (c Config) command() (Config, []string, error) {
	if c.Exec == "" {
		return c, nil, nil
	}
	argv, err := launch.Split(c.Exec)
	if err != nil {
		return c, nil, fmt.Errorf("--exec: %w", err)
	}
	if _, err := launch.Find(argv[0]); err != nil {
		return c, nil, fmt.Errorf("--exec: %w", err)
	}
	port, filled, err := launch.Port(argv)
	if c.Upstream == "" {
		if err != nil {
			return c, nil, fmt.Errorf("--exec: %w", err)
		}
		c.Upstream = fmt.Sprintf("http://127.0.0.1:%d", port)
	}
	if err != nil {
		filled = argv // the upstream is told, so the port need not be known
	}
	return c, filled, nil
}

// launch starts the server.
func (e *Engine) launch(argv []string) error {
	if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(e.stop, "tcp", e.root.Host); err == nil {
		_ = conn.Close()
		return fmt.Errorf("something listens on %s already: end it, give another --port (or {port}), or use it by --upstream alone", e.root.Host)
	}
	cfg, err := launch.Defaults(argv, e.log)
	if err != nil {
		return err
	}
	cfg.Grace, cfg.Env = e.cfg.ExecGrace, e.cfg.Env
	cfg.Ended = func(err error) {
		e.doubted(unknown, errors.New("the server of --exec ended and is started again"))
	}
	e.server, err = launch.Start(cfg)
	return err
}

// serves waits until the server that was launched serves, and tells every few seconds how far it is.
func (e *Engine) serves(ctx context.Context) error {
	began := time.Now()
	look, tell := time.NewTicker(50*time.Millisecond), time.NewTicker(tellEvery)
	defer look.Stop()
	defer tell.Stop()
	over := time.NewTimer(e.cfg.ExecStartTimeout)
	defer over.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.server.Failed():
			return fmt.Errorf("--exec: %w", e.server.Err())
		case <-over.C:
			_, message, _ := e.health.get()
			return fmt.Errorf("--exec: the server does not serve after %v (--exec-start-timeout): %s; it said last: %s",
				e.cfg.ExecStartTimeout, message, e.server.Last())
		case <-tell.C:
			e.log.Info("server is starting", "elapsed", time.Since(began).Round(time.Second).String(), "last_line", e.server.Last())
		case <-look.C:
			if state, _, _ := e.health.get(); state == healthy {
				e.server.Ready()
				e.log.Info("server serves", "elapsed", time.Since(began).Round(time.Millisecond).String())
				return nil
			}
		}
	}
}
