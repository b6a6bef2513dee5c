package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/internal/sourcetest"
)

func TestMain(m *testing.M) { sourcetest.Main(m, main) }

const topicName = "events"

// send writes n values to the topic's partitions in turn, in a transaction that commits or not where id is set.
func send(t *testing.T, brokers []string, from, n int, id string, commit bool, value func(i int) []byte) {
	t.Helper()
	opts := []kgo.Opt{kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(topicName)}
	if id != "" {
		opts = append(opts, kgo.TransactionalID(id))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if id != "" {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
	}
	for i := from; i < from+n; i++ {
		r := &kgo.Record{Partition: int32(i % 3), Key: []byte(fmt.Sprint("k", i)), Value: value(i), Timestamp: time.UnixMilli(1e12 + int64(i)), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{byte(i)}}}}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if id != "" {
		if err := cl.EndTransaction(t.Context(), kgo.TransactionEndTry(commit)); err != nil {
			t.Fatal(err)
		}
	}
}

func object(i int) []byte { return fmt.Appendf(nil, `{"id": %d, "text": "record %d"}`, i, i) }

func settings(brokers []string, more ...any) map[string]any {
	out := map[string]any{"type": "kafka", "brokers": brokers, "topic": topicName}
	for i := 0; i < len(more); i += 2 {
		out[more[i].(string)] = more[i+1]
	}
	return out
}

func idsOf(rows []map[string]any) map[any]int {
	out := map[any]int{}
	for _, r := range rows {
		out[r["id"]]++
	}
	return out
}

func TestATopicIsReadOnceAndLaterRunsReadWhatIsNew(t *testing.T) {
	brokers := broker(t)
	send(t, brokers, 0, 90, "", true, object)
	s := sourcetest.Open(t, settings(brokers, "value", "json"))
	got, p := sourcetest.All(t, s, nil)
	if len(p.Parts) != 3 || len(got.Rows) != 90 || len(idsOf(got.Rows)) != 90 || len(got.Rejects) > 0 {
		t.Fatalf("%d parts, %d rows, rejects %v", len(p.Parts), len(got.Rows), got.Rejects)
	}
	for _, r := range got.Rows[:3] {
		i := r["id"].(int64)
		want := fmt.Sprintf("map[id:%d kafka_headers:[map[name:h value:[%d]]] kafka_key:%v kafka_offset:%d kafka_partition:%d kafka_timestamp:%v text:record %d]",
			i, i, fmt.Appendf(nil, "k%d", i), i/3, i%3, time.UnixMilli(1e12+i).UTC(), i)
		if fmt.Sprint(r) != want {
			t.Errorf("row %v\nwant %s", r, want)
		}
	}
	rest, err := sourcetest.Read(t, s, p.Parts[0], []byte(`{"offset":20}`))
	if err != nil || len(rest.Rows) != 10 || rest.Rows[0]["kafka_offset"] != int64(20) {
		t.Errorf("from offset 20 on: %d rows, error %v", len(rest.Rows), err)
	}
	send(t, brokers, 90, 7, "", true, object)
	then, q := sourcetest.All(t, s, p.Next)
	if len(then.Rows) != 7 || idsOf(then.Rows)[int64(96)] != 1 {
		t.Errorf("the second run read %v", then.Rows)
	}
	if none := sourcetest.Plan(t, s, q.Next); len(none.Parts) != 0 {
		t.Errorf("the third run would read %+v", none.Parts)
	}
}

func TestOnlyWhatWasCommittedIsRead(t *testing.T) {
	brokers := broker(t)
	send(t, brokers, 0, 9, "a", true, object)
	send(t, brokers, 100, 9, "b", false, object)
	send(t, brokers, 200, 9, "c", true, object)
	got, _ := sourcetest.All(t, sourcetest.Open(t, settings(brokers, "value", "json")), nil)
	ids := idsOf(got.Rows)
	if len(ids) != 18 || ids[int64(100)] != 0 || ids[int64(208)] != 1 {
		t.Errorf("%d records: %v", len(ids), ids)
	}
}

func TestValuesAsBytesTextOrJSON(t *testing.T) {
	brokers := broker(t)
	values := [][]byte{[]byte("plain"), {0xff, 0xfe}, nil, []byte(`{"id": 1, "more": true}`), []byte(`{"id": "x"}`), []byte(``)}
	send(t, brokers, 0, len(values), "", true, func(i int) []byte { return values[i] })
	schema := []map[string]any{{"name": "id", "type": "int64", "nullable": true}}
	for kind, want := range map[string]struct{ rows, rejects int }{"bytes": {6, 0}, "text": {5, 1}, "json": {2, 4}} {
		c := settings(brokers, "value", kind)
		if kind == "json" {
			c["schema"] = schema
		}
		got, _ := sourcetest.All(t, sourcetest.Open(t, c), nil)
		if len(got.Rows) != want.rows || len(got.Rejects) != want.rejects {
			t.Errorf("%s: %d rows, %d rejects: %+v", kind, len(got.Rows), len(got.Rejects), got.Rejects)
		}
		for _, r := range got.Rejects {
			if !strings.Contains(r.Reason, "offset") || !strings.HasPrefix(r.File, topicName) {
				t.Errorf("%s: reject %+v", kind, r)
			}
		}
	}
}

func TestAWatermarkThatDoesNotFitTheTopicIsRefused(t *testing.T) {
	brokers := broker(t)
	send(t, brokers, 0, 9, "", true, object)
	for _, c := range []struct {
		config map[string]any
		since  string
		code   string
	}{
		{settings(brokers), `{"topic":"events","offsets":{"1":50}}`, "input_changed"},
		{settings(brokers), `{"topic":"other","offsets":{}}`, "bad_watermark"},
		{settings(brokers, "topic", "nothing"), ``, "no_such_input"},
		{settings(brokers, "value", "avro"), ``, "bad_config"},
		{settings(brokers, "user", "u", "password_env", "NOT_SET"), ``, "bad_config"},
	} {
		_, err := sourcetest.Open(t, c.config).Plan(t.Context(), []byte(c.since))
		if source.CodeOf(err) != c.code {
			t.Errorf("%v since %s: error %v, want %s", c.config, c.since, err, c.code)
		}
	}
}
