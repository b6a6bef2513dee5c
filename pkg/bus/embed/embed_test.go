package embed_test

import (
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/bus/embed"
)

func TestADirectoryServesOneServerAtATime(t *testing.T) {
	cfg := embed.Config{Dir: t.TempDir()}
	first, err := embed.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := embed.Start(cfg); err == nil || !strings.Contains(err.Error(), cfg.Dir) || !strings.Contains(err.Error(), "--nats-dir") {
		t.Errorf("a second one: %v", err)
	}
	first.Stop()
	again, err := embed.Start(cfg)
	if err != nil {
		t.Fatalf("after the first has stopped: %v", err)
	}
	again.Stop()
}
