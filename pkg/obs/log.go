package obs

import (
	"fmt"
	"io"
	"log/slog"
)

// LogConfig says what is logged and in which form.
type LogConfig struct {
	Level  string `yaml:"level" flag:"log-level" oneof:"debug|info|warn|error" doc:"least severe level that is logged"`
	Format string `yaml:"format" flag:"log-format" oneof:"auto|json|text" doc:"json: one object a line; text: for people; auto: text where standard error is a terminal, else json"`
}

// DefaultLogConfig is info, for whoever reads it.
func DefaultLogConfig() LogConfig { return LogConfig{Level: "info", Format: "auto"} }

// FormatFor is json or text: the format for a log that goes to w.
func (c LogConfig) FormatFor(w io.Writer) string {
	switch {
	case c.Format == "auto" && isTerminal(w):
		return "text"
	case c.Format == "auto" || c.Format == "":
		return "json"
	}
	return c.Format
}

// NewLogger returns a logger that writes to w and the level it obeys, which may be changed at any time from any
// goroutine. Empty fields mean info and json.
func NewLogger(w io.Writer, cfg LogConfig) (*slog.Logger, *slog.LevelVar, error) {
	level := new(slog.LevelVar)
	if cfg.Level != "" {
		if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
			return nil, nil, fmt.Errorf("log level %q: must be debug, info, warn or error", cfg.Level)
		}
	}
	switch cfg.FormatFor(w) {
	case "json":
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})), level, nil
	case "text":
		return slog.New(newTextHandler(w, level)), level, nil
	}
	return nil, nil, fmt.Errorf("log format %q: must be auto, json or text", cfg.Format)
}
