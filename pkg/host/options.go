package host

import (
	"context"
	"io"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
)

// Option changes how a host is opened.
type Option func(*options)

type options struct {
	spec     conf.Spec
	config   Config
	section  string
	stderr   io.Writer
	openBus  func(context.Context, *Host) (*bus.Bus, error)
	version  string
	defaults []func(*Config)
	memory   int64
	behind   bool
}

// Defaults lets a service name its own defaults (ports) before file, environment and flags are read.
func Defaults(change func(*Config)) Option {
	return func(o *options) { o.defaults = append(o.defaults, change) }
}

// Section adds a top-level YAML section beside the service's own: settings that several services share.
func Section(key, doc string, into any) Option {
	return func(o *options) {
		o.spec.Sections = append(o.spec.Sections, conf.Section{Key: key, Doc: doc, Into: into})
	}
}

// Inline puts the keys of Open's cfg at the top level of the file instead of under the service's name: for a cfg with one
// field per service. programs are the sections that also have processes of their own: in one file, gateway.host and
// gateway.nats hold for the process that was opened under the name gateway, and for no other.
func Inline(programs ...string) Option {
	return func(o *options) { o.section, o.spec.Programs = "", programs }
}

// Elsewhere names top-level sections of the shared file that belong to other processes.
func Elsewhere(keys ...string) Option {
	return func(o *options) { o.spec.Elsewhere = append(o.spec.Elsewhere, keys...) }
}

// ElsewhereEnv says which LEAT_ variables belong to other processes that share the environment.
func ElsewhereEnv(known func(name string) bool) Option {
	return func(o *options) { o.spec.ElsewhereEnv = known }
}

// Program sets how the command is called in help and errors ("leat up"); otherwise "leat" and the service's name.
func Program(program, summary string) Option {
	return func(o *options) { o.spec.Program, o.spec.Summary = program, summary }
}

// Examples adds command lines that work to the help text.
func Examples(lines ...string) Option { return func(o *options) { o.spec.Examples = lines } }

// Version sets the version that is reported; otherwise the one that the Go tool put into the binary.
func Version(v string) Option { return func(o *options) { o.version = v } }

// SoftMemory has the collector keep what Go takes of memory below so many bytes, as far as what is in use lets it, where the environment does not say otherwise
// (GOMEMLIMIT). It is for programs that allocate much and keep little: without it they take twice the most that they ever kept.
func SoftMemory(bytes int64) Option { return func(o *options) { o.memory = bytes } }

// backgroundNice is the priority of processes in the background, from −20 to 19: such a one gets a tenth of what another gets where both want a core.
const backgroundNice = 10

// Background gives the process a lower priority, on Linux: for bulk work whose machine may also answer people. A core that is idle is all its own.
func Background() Option { return func(o *options) { o.behind = true } }

// Stderr redirects the banner and the log.
func Stderr(w io.Writer) Option { return func(o *options) { o.stderr = w } }

// Bus replaces the way in which the bus is opened; open may use h.Config, h.Log and h.OnClose, and may return nil for a
// process without a bus. The default is bus.Connect by the nats section.
func Bus(open func(ctx context.Context, h *Host) (*bus.Bus, error)) Option {
	return func(o *options) { o.openBus = open }
}

// NoBus opens none: Deps.Bus is nil.
func NoBus() Option {
	return Bus(func(context.Context, *Host) (*bus.Bus, error) { return nil, nil })
}
