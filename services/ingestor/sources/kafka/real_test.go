//go:build kafka_real

package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/internal/sourcetest"
)

// fill writes n records of about a kilobyte to partition 0 of a topic.
func (s *server) fill(topic string, n int, codec kgo.CompressionCodec) {
	s.t.Helper()
	cl := s.client(kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec))
	defer cl.Close()
	var failed error
	for i := range n {
		value := fmt.Appendf(nil, `{"id": %d, "text": %q}`, i, strings.Repeat(fmt.Sprint(i, " "), 1000/len(fmt.Sprint(i, " "))))
		cl.Produce(s.t.Context(), &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed = err
			}
		})
	}
	if err := cl.Flush(s.t.Context()); err != nil || failed != nil {
		s.t.Fatalf("produce: %v, %v", err, failed)
	}
}

func TestEveryCodecOfKafkaIsRead(t *testing.T) {
	s := newServer(t)
	for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		s.topic(name, 1)
		s.fill(name, 2000, codec)
		got, _ := sourcetest.All(t, sourcetest.Open(t, settings([]string{s.addr}, "topic", name, "value", "json")), nil)
		if len(got.Rows) != 2000 || len(idsOf(got.Rows)) != 2000 || len(got.Rejects) > 0 {
			t.Errorf("%s: %d rows, %d rejects", name, len(got.Rows), len(got.Rejects))
		}
	}
}

func TestABrokerThatCrashesInMidReadCostsNoRecord(t *testing.T) {
	const records = 60000
	s := newServer(t)
	s.topic(topicName, 1)
	s.fill(topicName, records, kgo.NoCompression())
	src := sourcetest.Open(t, settings([]string{s.addr}, "value", "json"))
	p := sourcetest.Plan(t, src, nil)
	st, err := src.Open(t.Context(), p.Parts[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	next, starts := int64(0), 1
	for {
		c, err := st.Next(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("at offset %d, after the broker was started %d times: %v", next, starts, err)
		}
		for i := range c.Batch.Rows() {
			if at := c.Batch.Column(c.Batch.Schema().Index("kafka_offset")).Value(i); at != next {
				t.Fatalf("offset %v follows %d", at, next-1)
			}
			next++
		}
		if starts == 1 {
			s.kill()
			s.start()
			starts++
		}
	}
	if next != records || starts != 2 {
		t.Errorf("%d of %d records, the broker was started %d times", next, records, starts)
	}
}

// trim removes the records before an offset, as retention does.
func (s *server) trim(topic string, before int64) {
	s.t.Helper()
	cl := s.client()
	defer cl.Close()
	req := kmsg.NewPtrDeleteRecordsRequest()
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Offset = before
	rt.Topic, rt.Partitions = topic, append(rt.Partitions, rp)
	req.Topics, req.TimeoutMillis = append(req.Topics, rt), 30000
	for _, shard := range cl.RequestSharded(s.t.Context(), req) {
		if shard.Err != nil || shard.Resp.(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0].ErrorCode != 0 {
			s.t.Fatalf("delete records: %v, %+v", shard.Err, shard.Resp)
		}
	}
}

func TestRecordsThatRetentionRemovedAreAnErrorNotAGap(t *testing.T) {
	s := newServer(t)
	s.topic(topicName, 1)
	s.fill(topicName, 1000, kgo.NoCompression())
	src := sourcetest.Open(t, settings([]string{s.addr}, "value", "json"))
	p := sourcetest.Plan(t, src, nil)
	s.fill(topicName, 1000, kgo.NoCompression())
	q := sourcetest.Plan(t, src, p.Next)
	s.trim(topicName, 1500)
	if _, err := sourcetest.Read(t, src, q.Parts[0], nil); source.CodeOf(err) != source.Changed || !strings.Contains(err.Error(), "--full") {
		t.Errorf("removed between plan and read: error %v", err)
	}
	if _, err := src.Plan(t.Context(), p.Next); source.CodeOf(err) != source.Changed || !strings.Contains(err.Error(), "from offset 1000 to 1499") {
		t.Errorf("removed between two runs: error %v", err)
	}
	if got, _ := sourcetest.All(t, src, nil); len(got.Rows) != 500 || got.Rows[0]["kafka_offset"] != int64(1500) {
		t.Errorf("a full run reads %d records", len(got.Rows))
	}
}
