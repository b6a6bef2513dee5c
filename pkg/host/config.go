package host

import (
	"errors"
	"net"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/obs"
)

// Production says whether the profile is production: every store on the bus survives the loss of a server.
func (s Settings) Production() bool { return s.Profile == production }

// production is the profile that holds NATS to what design and operators promise of it.
const production = "production"

// Config is what every process has; it stands under the keys host and nats, and may be repeated under a service's own
// key (router.host.http) for that service's process only.
type Config struct {
	Host Settings   `yaml:"host" doc:"what every process has"`
	NATS bus.Config `yaml:"nats" doc:"the bus"`
}

// Settings are the host's own.
type Settings struct {
	HTTP         string          `yaml:"http" flag:"http" doc:"address of the HTTP listener (API, /metrics, /health, /ready); empty: none"`
	GRPC         string          `yaml:"grpc" flag:"grpc" doc:"address of the gRPC listener; empty: none"`
	GRPCMessage  conf.Bytes      `yaml:"grpc_max_message" flag:"grpc-max-message" doc:"largest gRPC message that is taken"`
	H2C          bool            `yaml:"h2c" flag:"h2c" doc:"take HTTP/2 without TLS on the HTTP listener too"`
	Pprof        bool            `yaml:"pprof" flag:"pprof" doc:"serve Go profiles under /debug/pprof/ of the HTTP listener"`
	ReadyDelay   time.Duration   `yaml:"ready_delay" flag:"ready-delay" doc:"at the stop, how long to be 'not ready' before new calls are refused"`
	Profile      string          `yaml:"profile" flag:"profile" doc:"production refuses to start on a NATS that may lose what it has said to keep; empty: the start says how durable it is"`
	DrainTimeout time.Duration   `yaml:"drain_timeout" flag:"drain-timeout" doc:"at the stop, how long calls in flight may take, and after them each service"`
	Log          obs.LogConfig   `yaml:"log"`
	Trace        obs.TraceConfig `yaml:"trace"`
}

// DefaultConfig listens on free ports of this machine only; a service's main names better ones with Defaults.
func DefaultConfig() Config {
	return Config{
		Host: Settings{
			HTTP: "127.0.0.1:0", GRPC: "127.0.0.1:0", GRPCMessage: 33 * conf.MiB, DrainTimeout: 30 * time.Second,
			Log: obs.DefaultLogConfig(), Trace: obs.DefaultTraceConfig(),
		},
		NATS: bus.DefaultConfig(),
	}
}

// Validate refuses addresses without a port and waits that are no waits.
func (s Settings) Validate() error {
	var errs []error
	for key, addr := range map[string]string{"http": s.HTTP, "grpc": s.GRPC} {
		if _, _, err := net.SplitHostPort(addr); addr != "" && err != nil {
			errs = append(errs, conf.Refuse(key, "must be host:port such as 127.0.0.1:8080, :8080 or, for a free port, 127.0.0.1:0"))
		}
	}
	if s.ReadyDelay < 0 {
		errs = append(errs, conf.Refuse("ready_delay", "must be at least 0"))
	}
	if s.Profile != "" && s.Profile != production {
		errs = append(errs, conf.Refuse("profile", "is %q; it must be %s, or empty", s.Profile, production))
	}
	if s.DrainTimeout <= 0 {
		errs = append(errs, conf.Refuse("drain_timeout", "must be above 0"))
	}
	if s.GRPCMessage < conf.KiB || s.GRPCMessage > conf.GiB {
		errs = append(errs, conf.Refuse("grpc_max_message", "must be between 1KiB and 1GiB"))
	}
	return errors.Join(errs...)
}
