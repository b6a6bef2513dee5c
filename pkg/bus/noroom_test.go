package bus_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
)

// A stream that is full is told from other failures of JetStream.
func TestNoRoomIsToldApart(t *testing.T) {
	js := bustest.Connect(t, bustest.Start(t), bus.Options{}).JetStream()
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "SMALL", Subjects: []string{"small"}, MaxBytes: 4096, Discard: jetstream.DiscardNew,
	}); err != nil {
		t.Fatal(err)
	}
	_, err := js.Publish(t.Context(), "small", []byte(strings.Repeat("x", 8192)))
	if err == nil || !bus.NoRoom(fmt.Errorf("publish: %w", err)) {
		t.Errorf("a full stream: %v; NoRoom says %v", err, bus.NoRoom(err))
	}
	if _, err = js.Stream(t.Context(), "NONE"); err == nil || bus.NoRoom(err) {
		t.Errorf("a stream that is not there: %v; NoRoom says %v", err, bus.NoRoom(err))
	}
	if bus.NoRoom(errors.New("else")) || bus.NoRoom(nil) {
		t.Error("what is not JetStream's counts as full")
	}
}
