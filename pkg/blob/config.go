package blob

import (
	"errors"
	"os"
	"path/filepath"
)

// Config says where the store is; every program of a fleet gets the same.
type Config struct {
	URL string `yaml:"url" flag:"store" doc:"store of datasets and large objects: file:///dir, or s3://, gs:// and azblob:// where built in; every service has to reach the same"`
}

// DefaultConfig is a directory in the user's data directory.
func DefaultConfig() Config { return Config{URL: "file://" + filepath.ToSlash(dataDir())} }

func dataDir() string {
	if d := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "leat", "blob")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	return filepath.Join(home, ".local", "share", "leat", "blob")
}

// Validate refuses no store at all.
func (c Config) Validate() error {
	if c.URL == "" {
		return errors.New("store: empty; name one, such as file:///var/lib/leat/blob")
	}
	return nil
}
