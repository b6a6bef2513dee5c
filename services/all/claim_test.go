package all_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/pool"
)

// A prompt of 5 MiB goes by claim check: an honest answer, no time-out, and nothing is left in the store.
func TestALargePromptIsClaimedAndNothingStays(t *testing.T) {
	f := start(t, pool.Timeouts{})
	begun := time.Now()
	body := fmt.Sprintf(`{"model":"sim","max_tokens":3,"prompt":%q}`, strings.Repeat("leat ", 1<<20))
	resp, err := http.Post(f.url+"/v1/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 400 || !strings.Contains(string(answer), "context_length_exceeded") || !strings.Contains(string(answer), "65536") {
		t.Fatalf("%s %.300s", resp.Status, answer)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	nc, err := nats.Connect(f.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	store, err := js.ObjectStore(t.Context(), bus.ClaimBucket)
	if err != nil {
		t.Fatalf("no claim was ever made: %v", err)
	}
	for end := time.Now().Add(5 * time.Second); ; {
		list, err := store.List(t.Context())
		if err != nil && err != jetstream.ErrNoObjectsFound {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d claims stay behind", len(list))
		}
	}
}
