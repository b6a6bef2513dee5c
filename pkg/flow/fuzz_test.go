package flow_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

var factNames = []string{
	"run_planned", "source_progress", "segment_done", "partition_done", "partition_failed", "stage_trouble", "stage_finished", "run_ended", "run_cancelled",
	"run_resumed", "nothing_known",
}

// What stands on EVENTS is anybody's: no bytes may stop who folds it, and taking them twice changes nothing.
func FuzzFacts(f *testing.F) {
	for i, m := range facts() {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), data)
	}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		subject := "evt.data." + factNames[int(kind)%len(factNames)] + ".v1.r"
		s := flow.NewState()
		for _, m := range facts() {
			s.Apply(m)
		}
		run, m := flow.ReadFact(subject, data)
		if m == nil {
			return
		}
		if run != "r" {
			t.Errorf("a fact of %q on %s", run, subject)
		}
		s.Apply(m)
		once := told(s)
		if s.Apply(m); told(s) != once {
			t.Errorf("%s taken twice:\n%s\nonce:\n%s", subject, told(s), once)
		}
	})
}

// What stands on DATA is a batch with its digest, the end of a partition, or refused as undecodable: never taken for rows.
func FuzzIncoming(f *testing.F) {
	end, err := proto.Marshal(&datav1.Closing{Counts: &datav1.Counts{RowsIn: 7}, Digest: "xxh3:0"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("7", "3", "arrow", []byte("rows"), true)
	f.Add("-1", "", flow.ContentClosing, end, false)
	store, err := blob.Open(f.Context(), "mem://")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, number, rows, content string, data []byte, honest bool) {
		h := nats.Header{}
		h.Set("content-type", content)
		h.Set(arrowio.HeaderBatch, number)
		h.Set(arrowio.HeaderRows, rows)
		if honest {
			h.Set(arrowio.HeaderDigest, arrowio.Digest(data))
		}
		if n, err := flow.Number(h); err == nil && strconv.FormatUint(n, 10) != number && n != 0 && number[0] != '0' && number[0] != '+' {
			t.Errorf("%q is taken for %d", number, n)
		}
		batch, digest, closing, err := flow.Incoming(t.Context(), store, h, data)
		bad := (*flow.Undecodable)(nil)
		switch {
		case err != nil && !errors.As(err, &bad):
			t.Errorf("%v is no fault of the message", err)
		case err == nil && closing == nil && (!slices.Equal(batch.Data, data) || digest != h.Get(arrowio.HeaderDigest)):
			t.Errorf("the batch is not what came, or has no digest: %s", digest)
		}
	})
}
