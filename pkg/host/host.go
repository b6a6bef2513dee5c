package host

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/obs"
)

// Deps is what a service is made from beside its configuration. All of it is safe for concurrent use and lives as long
// as the host.
type Deps struct {
	// ID names this process: service-machine-random, safe as one token of a NATS subject.
	ID string
	// Version is that of the program: a tag or a commit.
	Version string
	// Log is slog, with the attributes service and instance where it is JSON. Never a prompt or a completion.
	Log *slog.Logger
	// Metrics is the host's own registry, served under /metrics.
	Metrics prometheus.Registerer
	// Tracer is never nil; obs.On says whether it records.
	Tracer trace.TracerProvider
	// Bus is the open bus, or nil where the host was opened with NoBus.
	Bus *bus.Bus
	// NATS is the bus's configuration, for what a service opens on it.
	NATS bus.Config
	// DrainTimeout is how long Run may take after its context ended, until the process gives up on it.
	DrainTimeout time.Duration
	// Stop asks the process to end as a signal does: in order, cleanly, with exit code 0. It is for a service that learns that its
	// machine goes away. by, where it is not zero, shortens the stop's waits. Only the first call counts; it returns at once,
	// and the service goes on until its context ends. A host sets it; elsewhere it may be nil.
	Stop func(reason string, by time.Time)
}

// Host is a process around its services. Open it, Run it once, Close it.
type Host struct {
	Deps

	name     string
	version  string
	cfg      Config
	loaded   *conf.Loaded
	stderr   io.Writer
	level    *slog.LevelVar
	registry *prometheus.Registry
	metrics  *metrics
	health   *health
	onHTTP   net.Listener // nil: off
	onGRPC   net.Listener // nil: off
	wishes   chan wish    // to stop, of services

	closing sync.Once
	closers []closer
}

// closer is something that closes after the services have stopped.
type closer struct {
	name  string
	close func(context.Context) error
}

// Load reads the configuration into cfg (a pointer to the service's struct, whose value is the default) without opening
// anything; `leat config` prints what it returns.
func Load(name string, args, environ []string, cfg any, opts ...Option) (*conf.Loaded, Config, error) {
	o := collect(name, args, environ, cfg, opts)
	loaded, err := conf.Load(o.spec)
	return loaded, o.config, err
}

// collect applies options over their defaults and completes the spec.
func collect(name string, args, environ []string, cfg any, opts []Option) *options {
	o := &options{config: DefaultConfig(), section: name, stderr: os.Stderr, openBus: connect, version: buildVersion()}
	o.spec = conf.Spec{Program: "leat " + name, Args: args, Environ: environ, Footer: ExitCodes}
	for _, opt := range opts {
		opt(o)
	}
	for _, change := range o.defaults {
		change(&o.config)
	}
	sections := []conf.Section{{Into: &o.config}}
	if cfg != nil {
		sections = append(sections, conf.Section{Key: o.section, Into: cfg})
	}
	o.spec.Sections = append(sections, o.spec.Sections...)
	o.spec.Overlay, o.spec.Repeat = name, []string{"host", "nats"}
	return o
}

// Open loads the configuration into cfg (a pointer to the service's struct, or nil), sets up log, metrics and traces,
// opens the listeners, then the bus. environ has os.Environ's form: all of it is needed, since unknown variables are
// refused. On an error nothing stays open. Errors say what to change; ExitCode tells their exit code.
func Open(ctx context.Context, name string, args, environ []string, cfg any, opts ...Option) (*Host, error) {
	o := collect(name, args, environ, cfg, opts)
	loaded, err := conf.Load(o.spec)
	if err != nil {
		return nil, err
	}
	if o.memory > 0 && !slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "GOMEMLIMIT=") }) {
		debug.SetMemoryLimit(o.memory)
	}
	if o.behind {
		if err := background(); err != nil {
			return nil, err
		}
	}
	h := &Host{name: name, version: o.version, cfg: o.config, loaded: loaded, stderr: o.stderr, wishes: make(chan wish, 1)}
	h.ID, h.Version, h.Stop = newID(name), o.version, h.askToStop
	h.NATS, h.DrainTimeout = o.config.NATS, o.config.Host.DrainTimeout
	if err := h.open(ctx, o); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *Host) open(ctx context.Context, o *options) error {
	log, level, err := obs.NewLogger(h.stderr, h.cfg.Host.Log)
	if err != nil {
		return err
	}
	h.Log, h.level = log, level
	if h.format() == "json" { // a person in front of one process knows which it is
		h.Log = log.With("service", h.name, "instance", h.ID)
	}
	h.registry = prometheus.NewRegistry()
	h.Metrics = h.registry
	h.metrics = newMetrics(h.registry, h.name, h.version)
	tracing, err := obs.NewTracing(ctx, h.cfg.Host.Trace, h.name, h.ID, h.version)
	if err != nil {
		return err
	}
	h.Tracer = tracing.Provider
	h.OnClose("traces", tracing.Close)
	h.health = newHealth()
	if h.onHTTP, err = h.listen(ctx, "http", h.cfg.Host.HTTP); err != nil {
		return err
	}
	if h.onGRPC, err = h.listen(ctx, "grpc", h.cfg.Host.GRPC); err != nil {
		return err
	}
	if h.cfg.Host.Production() {
		if err := h.cfg.NATS.CheckProduction(ctx); err != nil {
			return fmt.Errorf("the profile production does not allow this start:\n%w", err)
		}
	}
	h.Bus, err = o.openBus(ctx, h)
	if err != nil {
		return err
	}
	if h.Bus != nil {
		h.OnClose("bus", h.Bus.Close)
		h.health.add("bus", h.Bus.Up)
	}
	return nil
}

func connect(ctx context.Context, h *Host) (*bus.Bus, error) {
	return bus.Connect(ctx, h.cfg.NATS, bus.Options{Name: h.ID, Inbox: h.name, Log: h.Log})
}

// OnClose has fn called at the end, after the services have stopped, in reverse order of the calls, each within
// CloseTime. It must not be called while Close runs.
func (h *Host) OnClose(name string, fn func(context.Context) error) {
	h.closers = append(h.closers, closer{name, fn})
}

// Config is the host's own configuration as loaded.
func (h *Host) Config() Config { return h.cfg }

// Loaded is the whole configuration with the origin of each value.
func (h *Host) Loaded() *conf.Loaded { return h.loaded }

// Level is the log level; it may be set at any time.
func (h *Host) Level() *slog.LevelVar { return h.level }

// Gatherer reads the host's metrics, for tests.
func (h *Host) Gatherer() prometheus.Gatherer { return h.registry }

// Addrs are the real addresses of the listeners, by protocol ("http", "grpc"); one that is off is missing.
func (h *Host) Addrs() map[string]string {
	out := map[string]string{}
	for proto, l := range map[string]net.Listener{"http": h.onHTTP, "grpc": h.onGRPC} {
		if l != nil {
			out[proto] = l.Addr().String()
		}
	}
	return out
}

var noToken = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// newID is name-machine-random in the letters of one NATS token.
func newID(name string) string {
	machine, err := os.Hostname()
	if err != nil {
		machine = "unknown"
	}
	if len(machine) > 24 {
		machine = machine[:24]
	}
	var r [4]byte
	_, _ = rand.Read(r[:]) // never fails since Go 1.24
	return noToken.ReplaceAllString(fmt.Sprintf("%s-%s-%s", name, machine, hex.EncodeToString(r[:])), "-")
}

// buildVersion is the module's version or the commit that the Go tool recorded.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (version == "" || version == "(devel)") && len(s.Value) >= 12 {
			version = s.Value[:12]
		}
	}
	if version == "" {
		return "(devel)"
	}
	return version
}
