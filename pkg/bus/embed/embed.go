// Package embed runs a NATS server inside the process: the whole bus of a laptop, and of tests.
package embed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Config of the embedded server.
type Config struct {
	Listen string        `yaml:"listen" flag:"nats-listen" doc:"address of the embedded NATS for workers on other machines; empty: this process only"`
	Dir    string        `yaml:"dir" flag:"nats-dir" doc:"directory of the embedded NATS's streams"`
	Sync   time.Duration `yaml:"sync" flag:"nats-sync" doc:"how often streams are synced to disk; 0: after every write"`
}

// DefaultConfig listens on this machine only and keeps its streams in the user's data directory.
func DefaultConfig() Config {
	return Config{Listen: "127.0.0.1:4222", Dir: dataDir(), Sync: 2 * time.Second}
}

func dataDir() string {
	if d := os.Getenv("XDG_DATA_HOME"); d != "" {
		return d + "/leat/nats"
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "leat-data/nats"
	}
	return home + "/.local/share/leat/nats"
}

// Validate refuses what cannot work.
func (c Config) Validate() error {
	if c.Dir == "" {
		return errors.New("nats-dir: no directory; give one that can be written")
	}
	if c.Sync < 0 {
		return fmt.Errorf("nats-sync: %s is below 0", c.Sync)
	}
	return nil
}

// Server is a running embedded NATS.
type Server struct {
	*server.Server
	cfg  Config
	lock *os.File // held on the directory
}

// Start runs a server and waits until it takes connections.
func Start(cfg Config) (*Server, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded NATS: make its directory: %w (name another with --nats-dir)", err)
	}
	o := &server.Options{
		ServerName: "leat-embedded", NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: cfg.Dir, SyncInterval: cfg.Sync, SyncAlways: cfg.Sync == 0,
		NoFastProducerStall: true, PingInterval: 10 * time.Second, MaxPingsOut: 2, WriteDeadline: 2 * time.Second,
		DontListen: cfg.Listen == "",
	}
	if cfg.Listen != "" {
		host, port, err := splitPort(cfg.Listen)
		if err != nil {
			return nil, err
		}
		o.Host, o.Port = host, port
		if err := probe(cfg.Listen, port); err != nil {
			return nil, err
		}
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	s, err := run(o)
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("embedded NATS: %w", err)
	}
	return &Server{Server: s, cfg: cfg, lock: lock}, nil
}

// run starts a server and waits until it takes connections and has JetStream.
func run(o *server.Options) (*server.Server, error) {
	s, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return nil, errors.New("not ready after 10 s; is the machine overloaded? start it again")
	}
	if !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, fmt.Errorf("JetStream did not start in %s; is the disk full or the directory not writable?", o.StoreDir)
	}
	return s, nil
}

// lockDir keeps the streams to one server: two would write over each other.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("embedded NATS: open its lock: %w (name another directory with --nats-dir)", err)
	}
	if ok, err := tryLock(f); err != nil || !ok {
		_ = f.Close()
		return nil, errors.Join(fmt.Errorf("embedded NATS: another process uses its directory %s: stop that one, name another directory with --nats-dir, or join it with --nats URL", dir), err)
	}
	return f, nil
}

func splitPort(addr string) (string, int, error) {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("nats-listen: %q is not host:port", addr)
	}
	port, err := strconv.Atoi(p)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("nats-listen: %q is not a port", p)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// probe finds a taken port before the server does, which would only log it.
func probe(addr string, port int) error {
	if port == server.RANDOM_PORT {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", addr) // a port that can be had at once or not at all: nothing to wait for
	if err != nil {
		return fmt.Errorf("embedded NATS cannot listen on %s: %w (free the port, choose another with --nats-listen, or use the NATS that is there with --nats nats://%s)", addr, err, addr)
	}
	return l.Close()
}

// URL is where clients connect; empty where the server does not listen.
func (s *Server) URL() string {
	if s.cfg.Listen == "" {
		return ""
	}
	return "nats://" + strings.TrimPrefix(s.Addr().String(), "nats://")
}

// Banner says where it listens and how durable it is.
func (s *Server) Banner() []string {
	where := "nothing: it serves this process only"
	if u := s.URL(); u != "" {
		where = u
	}
	sync := "every " + s.cfg.Sync.String()
	if s.cfg.Sync == 0 {
		sync = "after every write"
	}
	return []string{
		"listens on " + where,
		fmt.Sprintf("streams in %s: 1 replica, synced to disk %s; a crash of this machine may lose what came since", s.cfg.Dir, sync),
	}
}

// Stop ends the server and waits until its files are closed.
func (s *Server) Stop() {
	s.Shutdown()
	s.WaitForShutdown()
	_ = s.lock.Close() // which gives the directory free
}
