package natsusers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/leathq/leat/pkg/bus"
)

// What the profile production reads of a NATS server is what a real one says.
func TestARealServerSaysWhenItSyncs(t *testing.T) {
	for interval, want := range map[string]string{"always": "", "30s": "every 30s", "": "sync_interval: always"} {
		text := fmt.Sprintf("listen: 127.0.0.1:-1\nhttp: 127.0.0.1:-1\njetstream {store_dir: %q", t.TempDir())
		if interval != "" {
			text += ", sync_interval: " + interval
		}
		o := &server.Options{}
		if err := o.ProcessConfigString(text + "}\n"); err != nil {
			t.Fatal(err)
		}
		o.NoSigs, o.NoLog = true, true
		s, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		if !s.ReadyForConnections(20 * time.Second) {
			t.Fatal("the server does not start")
		}
		cfg := bus.DefaultConfig()
		cfg.LeaseReplicas, cfg.Monitor = 3, "http://"+s.MonitorAddr().String()
		err = cfg.CheckProduction(t.Context())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("sync_interval %q: %v", interval, err)
		}
	}
}
