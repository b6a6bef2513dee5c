package bench

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// The endpoints that can be measured.
const (
	EndpointChat        = "chat"
	EndpointCompletions = "completions"
)

// The arrival processes of the open loop.
const (
	ArrivalsPoisson  = "poisson"
	ArrivalsConstant = "constant"
)

// The HTTP clients: auto takes the socket client for http:// and net/http for https://.
const (
	ClientAuto    = "auto"
	ClientNetHTTP = "net/http"
)

// Config says what is measured and how. DefaultConfig has usable values for all but URL.
type Config struct {
	// URL is the server: http://host:port, with or without /v1, or the full path of the endpoint.
	URL string `json:"url"`
	// Endpoint is chat (/v1/chat/completions) or completions (/v1/completions).
	Endpoint string `json:"endpoint"`
	// Stream asks for server-sent events; otherwise one JSON answer.
	Stream bool `json:"stream"`
	// IncludeUsage asks a stream for its token counts (stream_options.include_usage).
	IncludeUsage bool `json:"include_usage"`
	// Model is the model name; empty takes the first that /v1/models lists.
	Model string `json:"model"`
	// APIKeyEnv names an environment variable with the bearer token; empty sends none.
	APIKeyEnv string `json:"api_key_env,omitempty"`
	// Headers are extra request headers, "Name: value". They are not part of the JSON report.
	Headers []string `json:"-"`

	// RPS above zero is the open loop: requests per second, whatever the answers do.
	RPS float64 `json:"rps,omitempty"`
	// Arrivals is poisson or constant, for the open loop.
	Arrivals string `json:"arrivals,omitempty"`
	// Concurrency above zero is the closed loop: requests in flight.
	Concurrency int `json:"concurrency,omitempty"`
	// MaxConnections bounds the connections of the open loop; requests beyond wait, and the wait counts.
	MaxConnections int `json:"max_connections"`
	// Duration bounds the time of sending after the warm-up; zero leaves it to Requests.
	Duration time.Duration `json:"duration_ns"`
	// Requests bounds the measured requests; zero leaves it to Duration.
	Requests int `json:"requests,omitempty"`
	// Warmup is a time before the measurement whose requests are sent but not reported.
	Warmup time.Duration `json:"warmup_ns"`
	// Ramp spreads the first requests of the closed loop, so that they do not march in step. It starts with the warm-up.
	Ramp time.Duration `json:"ramp_ns,omitempty"`
	// Timeout bounds one request from its actual sending to its last byte.
	Timeout time.Duration `json:"timeout_ns"`

	Workload Workload `json:"workload"`
	SLO      SLO      `json:"slo"`
	// Processes are measured for CPU and memory beside the requests (Linux).
	Processes []Process `json:"processes,omitempty"`
	// Client is auto or net/http.
	Client string `json:"client"`
	// Progress is how often a line goes to the progress writer; zero never.
	Progress time.Duration `json:"-"`
}

// SLO are the bounds that a request must meet, each where it is above zero, to count as goodput.
type SLO struct {
	TTFT time.Duration `json:"ttft_ns,omitempty"` // to the first token
	TPOT time.Duration `json:"tpot_ns,omitempty"` // mean time per output token after the first
	E2E  time.Duration `json:"e2e_ns,omitempty"`  // to the end of the answer
}

// DefaultConfig streams chat answers of 64 tokens for 10 s with one request in flight once URL is set.
func DefaultConfig() Config {
	return Config{
		Endpoint: EndpointChat, Stream: true, IncludeUsage: true,
		Arrivals: ArrivalsPoisson, MaxConnections: 10000,
		Timeout: 5 * time.Minute, Client: ClientAuto,
		Workload: Workload{PromptTokens: 128, MaxTokens: 64, PrefixGroups: 1, Seed: 1},
	}
}

// Validate says what is wrong with the configuration, all at once.
func (c Config) Validate() error {
	var problems []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	if _, err := parseTarget(c.URL, c.Endpoint); err != nil {
		problems = append(problems, err)
	}
	refuse(c.Endpoint != EndpointChat && c.Endpoint != EndpointCompletions,
		"endpoint %q: use %s or %s", c.Endpoint, EndpointChat, EndpointCompletions)
	refuse(c.Arrivals != ArrivalsPoisson && c.Arrivals != ArrivalsConstant,
		"arrivals %q: use %s or %s", c.Arrivals, ArrivalsPoisson, ArrivalsConstant)
	refuse(c.Client != ClientAuto && c.Client != ClientNetHTTP, "client %q: use %s or %s", c.Client, ClientAuto, ClientNetHTTP)
	refuse(c.RPS < 0 || c.RPS > 1e6, "rps %g: use 0 to 1000000", c.RPS)
	refuse(c.Concurrency < 0, "concurrency %d: use a positive number", c.Concurrency)
	refuse((c.RPS > 0) == (c.Concurrency > 0), "give either rps (open loop) or concurrency (closed loop)")
	refuse(c.MaxConnections < 1, "max-connections %d: use at least 1", c.MaxConnections)
	refuse(c.Duration < 0 || c.Warmup < 0 || c.Ramp < 0, "duration, warmup and ramp cannot be negative")
	refuse(c.Ramp > 0 && c.RPS > 0, "ramp belongs to the closed loop; the open loop spreads its requests by itself")
	refuse(c.Requests < 0, "requests %d: use a positive number", c.Requests)
	refuse(c.Duration == 0 && c.Requests == 0, "give a duration or a number of requests: a measurement must end")
	refuse(c.Timeout <= 0, "timeout %s: use a positive time", c.Timeout)
	refuse(c.SLO.TTFT < 0 || c.SLO.TPOT < 0 || c.SLO.E2E < 0, "the bounds of an SLO cannot be negative")
	refuse(!c.Stream && (c.SLO.TTFT > 0 || c.SLO.TPOT > 0), "slo-ttft and slo-tpot need a streamed answer")
	problems = append(problems, c.Workload.validate())
	for _, p := range c.Processes {
		refuse(p.PID < 1, "pid %d of %q: use a process id", p.PID, p.Name)
	}
	_, err := c.header()
	return errors.Join(append(problems, err)...)
}

// header is what every request carries.
func (c Config) header() (http.Header, error) {
	h := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"leat-bench"}}
	h.Set("Accept", "application/json")
	if c.Stream {
		h.Set("Accept", "text/event-stream")
	}
	if c.APIKeyEnv != "" {
		key := os.Getenv(c.APIKeyEnv)
		if key == "" {
			return nil, fmt.Errorf("environment variable %s is empty: set it to the API key, or leave out --api-key-env", c.APIKeyEnv)
		}
		h.Set("Authorization", "Bearer "+key)
	}
	for _, line := range c.Headers {
		name, value, found := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || name == "" || strings.ContainsAny(line, "\r\n") {
			return nil, fmt.Errorf("header %q: use \"Name: value\"", name)
		}
		h.Set(name, value)
	}
	return h, nil
}

// target is where requests go.
type target struct {
	url  *url.URL // the endpoint
	base *url.URL // the server's root; /v1/models is below it
}

var paths = map[string]string{EndpointChat: "/v1/chat/completions", EndpointCompletions: "/v1/completions"}

func parseTarget(raw, endpoint string) (target, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return target{}, fmt.Errorf("url %q: use http://host:port or https://host", raw)
	}
	if u.User != nil {
		return target{}, errors.New("url holds a user name: use --header or --api-key-env for credentials")
	}
	root := strings.TrimSuffix(u.Path, "/")
	for _, suffix := range []string{paths[EndpointChat], paths[EndpointCompletions], "/v1"} {
		if cut, found := strings.CutSuffix(root, suffix); found {
			root = cut
			break
		}
	}
	base, full := *u, *u
	base.Path, base.RawQuery = root, ""
	full.Path = root + paths[endpoint]
	return target{url: &full, base: &base}, nil
}

func (t target) address() string {
	if t.url.Port() != "" {
		return t.url.Host
	}
	return net.JoinHostPort(t.url.Hostname(), "80")
}
