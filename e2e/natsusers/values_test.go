package natsusers_test

import (
	"encoding/json"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"sigs.k8s.io/yaml"
)

// What values.yaml adds to NATS's configuration is known to NATS, and is what it says: synced writes above all.
func TestTheValuesAreNATSsOwn(t *testing.T) {
	var v struct {
		Config struct {
			Cluster   struct{ Replicas int }
			JetStream struct {
				Merge map[string]any
			} `json:"jetstream"`
			Merge map[string]any
		}
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, "values.yaml")), &map[string]any{}); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(read(t, "values.yaml")), &v); err != nil {
		t.Fatal(err)
	}
	v.Config.JetStream.Merge["store_dir"] = t.TempDir()
	v.Config.Merge["jetstream"] = v.Config.JetStream.Merge
	text, err := json.Marshal(v.Config.Merge)
	if err != nil {
		t.Fatal(err)
	}
	o := &server.Options{}
	if err := o.ProcessConfigString(string(text)); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if v.Config.Cluster.Replicas != 3 || !o.SyncAlways || !o.NoFastProducerStall || o.WriteDeadline == 0 || o.MaxPingsOut != 2 {
		t.Errorf("%d servers, synced always: %v, without stalls: %v, write deadline %s, %d pings", v.Config.Cluster.Replicas, o.SyncAlways,
			o.NoFastProducerStall, o.WriteDeadline, o.MaxPingsOut)
	}
}
