package data_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// raw is what the NATS server does alone with messages of a batch's size, in bytes a second: all are published, 16 under way at a time, while one consumer takes and
// acknowledges them. The stream is in files, as DATA.
func (f *fleet) raw(size int64) float64 {
	f.t.Helper()
	const message = 700 << 10
	nc, err := nats.Connect(f.nats.NATS)
	if err != nil {
		f.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		f.t.Fatal(err)
	}
	s, err := js.CreateStream(f.t.Context(), jetstream.StreamConfig{
		Name: "RAW", Subjects: []string{"raw"}, Retention: jetstream.InterestPolicy, Discard: jetstream.DiscardNew, MaxBytes: 1 << 30,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	c, err := s.CreateConsumer(f.t.Context(), jetstream.ConsumerConfig{Durable: "raw", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 64})
	if err != nil {
		f.t.Fatal(err)
	}
	n := int(size / message)
	began, taken := time.Now(), make(chan error, 1)
	go func() { taken <- take(f.t.Context(), c, n) }()
	publishRaw(f.t, js, make([]byte, message), n)
	if err := <-taken; err != nil {
		f.t.Fatal(err)
	}
	rate := float64(n) * message / time.Since(began).Seconds()
	if err := js.DeleteStream(f.t.Context(), "RAW"); err != nil {
		f.t.Fatal(err)
	}
	return rate
}

func publishRaw(t *testing.T, js jetstream.JetStream, data []byte, n int) {
	t.Helper()
	var pending []jetstream.PubAckFuture
	settle := func(most int) {
		for ; len(pending) > most; pending = pending[1:] {
			select {
			case <-pending[0].Ok():
			case err := <-pending[0].Err():
				t.Fatal(err)
			}
		}
	}
	for range n {
		settle(15)
		ack, err := js.PublishAsync("raw", data)
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, ack)
	}
	settle(0)
}

func take(ctx context.Context, c jetstream.Consumer, n int) error {
	for n > 0 {
		got, err := c.Fetch(min(8, n), jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			return err
		}
		some := false
		for m := range got.Messages() {
			some = true
			if err := m.Ack(); err != nil {
				return err
			}
			n--
		}
		if !some {
			return errors.Join(fmt.Errorf("%d messages are missing", n), got.Error(), ctx.Err())
		}
	}
	return nil
}
