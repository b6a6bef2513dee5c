package assets

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Transfer chooses how a package's file travels.
type Transfer string

const (
	// ByClient lets npm and pip download: their mirrors, credentials and proxies apply. A piece
	// that is interrupted starts again; finished pieces are kept.
	ByClient Transfer = "client"
	// Direct asks npm and pip only where the file is and downloads it here, resuming an
	// interrupted file at the byte where it stopped. It falls back to ByClient when refused.
	Direct Transfer = "direct"
)

// DefaultHub is where hf: models come from unless HF_ENDPOINT says otherwise.
const DefaultHub = "https://huggingface.co"

// Options says where to keep things and how to fetch them. The zero value takes
// LEAT_CACHE (else <user cache>/leat), LEAT_TRANSFER, HF_ENDPOINT and HF_TOKEN from
// the environment and shows no progress.
type Options struct {
	CacheDir string
	Progress io.Writer // bars on a terminal, plain lines elsewhere; nil for none
	Offline  bool      // never start a client or open a connection
	Transfer Transfer
	Hub      string // base URL of the model hub
	HubToken string // for gated models; sent to the hub only
	HTTP     *http.Client
}

// complete fills what is empty from the environment.
func (o Options) complete(getenv func(string) string) (Options, error) {
	if o.CacheDir == "" {
		o.CacheDir = getenv("LEAT_CACHE")
	}
	if o.CacheDir == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return o, fmt.Errorf("no cache directory is known (set LEAT_CACHE): %w", err)
		}
		o.CacheDir = filepath.Join(dir, "leat")
	}
	var err error
	if o.CacheDir, err = filepath.Abs(o.CacheDir); err != nil {
		return o, fmt.Errorf("cache directory: %w", err)
	}
	if o.Transfer == "" {
		o.Transfer = Transfer(getenv("LEAT_TRANSFER"))
	}
	switch o.Transfer {
	case "":
		o.Transfer = ByClient
	case ByClient, Direct:
	default:
		return o, fmt.Errorf("transfer %q is unknown: it is %q or %q", o.Transfer, ByClient, Direct)
	}
	o.Hub = strings.TrimRight(first(o.Hub, getenv("HF_ENDPOINT"), DefaultHub), "/")
	o.HubToken = first(o.HubToken, getenv("HF_TOKEN"))
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.HTTP == nil {
		o.HTTP = newHTTPClient()
	}
	return o, nil
}

// newHTTPClient bounds every wait but the body's, which is bounded by its own idle time-out.
func newHTTPClient() *http.Client {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		ForceAttemptHTTP2:     true,
	}
	return &http.Client{Transport: t}
}

func (o Options) waiting() {
	fmt.Fprintf(o.Progress, "waiting for another process that is filling %s\n", o.CacheDir)
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// The ways round, in the words that every error of this package uses.
const (
	roundEngine = "point --engine-lib DIR at a directory with llama.cpp's shared libraries, " +
		"or run no local engine: leat worker --engine openai --upstream URL"
	roundModel = "name a model yourself (--model /path/to/file.gguf, or --model " + defaultModelHub + "), " +
		"or run no local engine: leat worker --engine openai --upstream URL"
)

func offlineError(missing []piece, cache string) error {
	errs := make([]error, 0, len(missing))
	for _, p := range missing {
		_, why, _ := p.cached()
		errs = append(errs, fmt.Errorf("%s: not in the cache %s (%s), and fetching is off (offline); "+
			"run leat fetch once with a network", p.title(), cache, why))
	}
	return errors.Join(errs...)
}

// IsEnv reports whether an environment variable is one of this package's own: they belong to no setting of a service,
// and every process that shares the environment must let them pass.
func IsEnv(name string) bool { return name == "LEAT_CACHE" || name == "LEAT_TRANSFER" }
