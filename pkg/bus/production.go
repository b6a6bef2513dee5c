package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// enough is how many copies survive the loss of one server, and go on being written.
const enough = 3

// CheckProduction refuses a NATS that may lose what it has said to keep, as far as that can be told before the streams are
// open: settings for one copy, and servers that answer before they have synced. What it refuses is the
// operator's to change, so it says how.
func (c Config) CheckProduction(ctx context.Context) error {
	var bad []error
	if c.LeaseReplicas < enough {
		bad = append(bad, fmt.Errorf("leases, large payloads, sleeping pools and facts would have %d copy: set --%s %d", c.LeaseReplicas, LeaseReplicas, enough))
	}
	if c.Monitor == "" {
		bad = append(bad, errors.New("whether NATS syncs every write cannot be seen: give its monitoring by --nats-monitor, such as http://nats:8222"))
	}
	for page := range strings.SplitSeq(c.Monitor, ",") {
		if err := checkSync(ctx, strings.TrimSpace(page)); page != "" && err != nil {
			bad = append(bad, err)
		}
	}
	return errors.Join(bad...)
}

// checkSync asks a server's monitoring when it syncs to disk.
func checkSync(ctx context.Context, server string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(server, "/")+"/jsz", http.NoBody)
	if err != nil {
		return fmt.Errorf("nats-monitor: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("read NATS's monitoring: %w (is --nats-monitor right, and http_port set there?)", err)
	}
	defer resp.Body.Close()
	var page struct {
		Config struct {
			Always   bool          `json:"sync_always"`
			Interval time.Duration `json:"sync_interval"`
		} `json:"config"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&page)
	switch {
	case err != nil || resp.StatusCode != http.StatusOK:
		return fmt.Errorf("read NATS's monitoring at %s: status %d, %w", server, resp.StatusCode, errors.Join(err))
	case !page.Config.Always:
		return fmt.Errorf("the NATS server at %s syncs to disk every %s and may lose what it has acknowledged: set sync_interval: always in its jetstream block",
			server, page.Config.Interval)
	}
	return nil
}

// Frail names the stores that this bus has opened of which the loss of one server may lose something; nil: none.
func (b *Bus) Frail(ctx context.Context) error {
	var bad []error
	b.eachOpened(ctx, func(o openedStream, c jetstream.StreamConfig, err error) {
		switch {
		case err != nil:
			bad = append(bad, fmt.Errorf("stream %s: not described: %w", o.name, err))
		case c.Storage != jetstream.FileStorage || c.Replicas < enough:
			bad = append(bad, fmt.Errorf("stream %s has %s storage and %d replica(s): set --%s %d, or give the stream %d by `nats stream edit`",
				o.name, c.Storage, c.Replicas, o.flag, enough, enough))
		}
	})
	return errors.Join(bad...)
}
