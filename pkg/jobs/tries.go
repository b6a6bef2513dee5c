package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// triesBucket is the KV bucket of how jobs fared that are tried again, by their number in JOBS: whoever has a job next must know
// it, since any process may die.
const triesBucket = "jobtries"

// maxLost is how often a job may be handed out without a word of what became of it. Each is a process that died, or that lost
// NATS, with the job in hand; one that had so many is taken for what killed them.
const maxLost = 10

// tries is how a job fared so far.
type tries struct {
	Failed int `json:"failed"` // attempts that failed
	Waited int `json:"waited"` // times that there was no room, or that its holder was stopped
}

// lost is how often a job that was delivered so often, this time included, was lost with its holder.
func (t tries) lost(delivered int) int { return delivered - 1 - t.Failed - t.Waited }

// bucket is the KV bucket's handle.
func (c *Client) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kv != nil {
		return c.kv, nil
	}
	kv, err := c.bus.JetStream().KeyValue(ctx, triesBucket)
	if err != nil {
		return nil, fmt.Errorf("open KV bucket %s: %w", triesBucket, err)
	}
	c.kv = kv
	return kv, nil
}

func (c *Client) triesOf(ctx context.Context, sequence uint64) (t tries, err error) {
	kv, err := c.bucket(ctx)
	if err != nil {
		return t, err
	}
	e, err := kv.Get(ctx, strconv.FormatUint(sequence, 10))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("read how job %d fared: %w", sequence, err)
	}
	if err := json.Unmarshal(e.Value(), &t); err != nil {
		return t, fmt.Errorf("decode how job %d fared: %w", sequence, err)
	}
	return t, nil
}

// note writes how the job fared. What cannot be written counts as a loss the next time, of which there may be many.
func (d *Delivery) note() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	kv, err := d.c.bucket(ctx)
	var data []byte
	if err == nil {
		data, err = json.Marshal(d.tries)
	}
	if err == nil {
		_, err = kv.Put(ctx, strconv.FormatUint(d.sequence, 10), data)
	}
	if err != nil {
		d.log.Debug("how a job fared is not written", "job", d.ID, "error", err)
	}
}
