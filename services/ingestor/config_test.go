package ingestor_test

import (
	"strings"
	"testing"

	"github.com/leathq/leat/services/ingestor"
)

// Settings that would open something else than they seem to are refused by name.
func TestSettingsThatCannotBeMeantAreRefused(t *testing.T) {
	if err := ingestor.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for says, change := range map[string]func(*ingestor.Config){
		"no absolute path":   func(c *ingestor.Config) { c.Paths = []string{"/data", "data"} },
		"between them":       func(c *ingestor.Config) { c.Paths = []string{"/data:/etc"} },
		"environment":        func(c *ingestor.Config) { c.Environment = []string{"*"} },
		"name of a variable": func(c *ingestor.Config) { c.Environment = []string{"A*B"} },
		"at least 1":         func(c *ingestor.Config) { c.Runs = 0 },
	} {
		c := ingestor.DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
