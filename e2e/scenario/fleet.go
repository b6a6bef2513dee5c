package scenario

import "testing"

// Driver starts fleets in one way: in one process, as separate processes, …
type Driver interface {
	// Start brings up NATS, a router, a gateway and the given workers, and returns when the gateway is ready and every
	// worker has joined. All of it is gone when the test ends; an unclean stop fails the test.
	Start(t *testing.T, s Spec) Fleet
}

// Fleet is a running platform.
type Fleet interface {
	Addrs() Addrs
	// AddWorker starts a worker and returns when it is ready.
	AddWorker(t *testing.T, w Worker) Member
	// Output is what all processes have written to standard output and error, those that are gone included.
	Output() string
}

// Member is a worker of a fleet.
type Member interface {
	// Stop asks it to leave, as SIGTERM does, and returns when it has left; an unclean end fails the test.
	Stop(t *testing.T)
	// Kill ends it without a word, as kill -9 does.
	Kill(t *testing.T)
}

// Addrs are where a fleet listens.
type Addrs struct {
	HTTP    string   // base URL of the gateway, without a slash at the end
	GRPC    string   // host:port of leat.gateway.v1
	NATS    string   // URL
	Metrics []string // URLs of every process's metrics, living workers included
}

// Spec is the fleet that a scenario needs.
type Spec struct {
	Config  string   // YAML file of every process; may be empty
	Args    []string // flags that every process takes
	Workers []Worker
}

// Worker is one worker.
type Worker struct {
	Name string   // unique in the fleet
	Args []string // flags of leat worker, the engine among them
}

// fast is a worker without waits worth speaking of, so that scenarios about meaning take no time.
func fast(name string) Worker {
	return Worker{Name: name, Args: []string{"--engine", "sim", "--sim-step-base", "1ms", "--sim-prefill-rate", "1000000"}}
}

// slow is a worker with one slot that gives a token every 20 ms.
func slow(name string) Worker {
	return Worker{Name: name, Args: []string{"--engine", "sim", "--slots", "1", "--sim-step-base", "20ms"}}
}

// relay is a worker that serves a fleet's model sim through that fleet's own gateway, as any OpenAI-compatible server.
func relay(name string, f Fleet) Worker {
	return Worker{Name: name, Args: []string{"--engine", "openai", "--upstream", f.Addrs().HTTP, "--upstream-kind", "openai", "--model", "relay=sim"}}
}
