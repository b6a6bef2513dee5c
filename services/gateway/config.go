package gateway

import (
	"errors"
	"time"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/jobs"
	"github.com/leathq/leat/pkg/models"
	"github.com/leathq/leat/pkg/pool"
)

// Config of a gateway. Time-outs and partitions are the pools'.
type Config struct {
	BodyLimit   conf.Bytes    `yaml:"body_limit" flag:"body-limit" doc:"largest request body that is taken; above it the client gets 413"`
	BodyTimeout time.Duration `yaml:"body_timeout" flag:"body-timeout" doc:"how long a request's body may make no progress before the client gets 408; all of it must arrive within the pool's total time-out"`
	JSONDepth   int           `yaml:"json_depth" flag:"json-depth" doc:"deepest nesting of a request's JSON"`
	SlowClient  time.Duration `yaml:"slow_client" flag:"slow-client" doc:"how long a client may take nothing of its stream before it is cut"`
	Window      int           `yaml:"window" flag:"window" doc:"deltas of a stream that a worker may send ahead of its client, 2 to 256"`
	Tenant      string        `yaml:"tenant" flag:"tenant" doc:"tenant of requests that name none in x-leat-tenant"`
	FileLimit   conf.Bytes    `yaml:"file_limit" flag:"file-limit" doc:"largest file that /v1/files takes"`
	FileStore   conf.Bytes    `yaml:"file_store" flag:"file-store" doc:"room for all files of /v1/files and the batches' answers; 0: as much as NATS has"`
	RunJobs     bool          `yaml:"run_jobs" flag:"run-jobs" doc:"take jobs from the streams and run batches; some gateway must"`
	Jobs        jobs.Config   `yaml:"jobs" doc:"the streams of jobs"`
	Models      models.Set    `yaml:"models" doc:"what names that clients use stand for, where they are not served models"`
	Mirrors     int           `yaml:"mirrors" flag:"mirrors" doc:"copies of requests for routes' mirrors that may be under way; more are not made"`
	Pools       pool.Set
}

// DefaultConfig fits interactive use.
func DefaultConfig() Config {
	return Config{
		BodyLimit: 32 * conf.MiB, BodyTimeout: 30 * time.Second, JSONDepth: 32, SlowClient: 30 * time.Second, Window: 128, Tenant: "default",
		FileLimit: 512 * conf.MiB, RunJobs: true, Jobs: jobs.DefaultConfig(), Mirrors: 64,
	}
}

// Validate refuses what cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.BodyLimit < conf.KiB || c.BodyLimit > conf.GiB {
		errs = append(errs, conf.Refuse("body_limit", "must be between 1KiB and 1GiB"))
	}
	if c.BodyTimeout < 100*time.Millisecond {
		errs = append(errs, conf.Refuse("body_timeout", "must be at least 100ms"))
	}
	if c.FileLimit < conf.KiB {
		errs = append(errs, conf.Refuse("file_limit", "must be at least 1KiB"))
	}
	if c.FileStore != 0 && c.FileStore < c.FileLimit {
		errs = append(errs, conf.Refuse("file_store", "must be 0 or at least file_limit"))
	}
	if c.JSONDepth < 4 || c.JSONDepth > 1000 {
		errs = append(errs, conf.Refuse("json_depth", "must be between 4 and 1000"))
	}
	if c.SlowClient < 100*time.Millisecond {
		errs = append(errs, conf.Refuse("slow_client", "must be at least 100ms"))
	}
	if c.Window < 2 || c.Window > 256 {
		errs = append(errs, conf.Refuse("window", "must be between 2 and 256"))
	}
	if c.Mirrors < 0 || c.Mirrors > 10_000 {
		errs = append(errs, conf.Refuse("mirrors", "must be between 0 and 10000"))
	}
	if c.Tenant == "" || len(c.Tenant) > 128 {
		errs = append(errs, conf.Refuse("tenant", "must have 1 to 128 characters"))
	}
	return errors.Join(errs...)
}
