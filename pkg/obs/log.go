package obs

import (
	"fmt"
	"io"
	"log/slog"
)

// LogConfig says what is logged and in which form.
type LogConfig struct {
	Level  string `yaml:"level" flag:"log-level" oneof:"debug|info|warn|error" doc:"least severe level that is logged"`
	Format string `yaml:"format" flag:"log-format" oneof:"json|text" doc:"json: one object a line; text: for people"`
}

// DefaultLogConfig is info and JSON.
func DefaultLogConfig() LogConfig { return LogConfig{Level: "info", Format: "json"} }

// NewLogger returns a logger that writes to w and the level it obeys, which may be changed at any time from any
// goroutine. Empty fields mean info and json.
func NewLogger(w io.Writer, cfg LogConfig) (*slog.Logger, *slog.LevelVar, error) {
	level := new(slog.LevelVar)
	if cfg.Level != "" {
		if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
			return nil, nil, fmt.Errorf("log level %q: must be debug, info, warn or error", cfg.Level)
		}
	}
	opts := &slog.HandlerOptions{Level: level}
	switch cfg.Format {
	case "", "json":
		return slog.New(slog.NewJSONHandler(w, opts)), level, nil
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), level, nil
	}
	return nil, nil, fmt.Errorf("log format %q: must be json or text", cfg.Format)
}
