package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source/record"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

type topic struct{ cfg config }

// spec is a partition: offsets from From (included) to To (excluded).
type spec struct {
	Partition int32 `json:"partition"`
	From      int64 `json:"from"`
	To        int64 `json:"to"`
}

// mark says up to where each partition was read.
type mark struct {
	Topic   string          `json:"topic"`
	Offsets map[int32]int64 `json:"offsets"`
}

// Plan takes what the topic holds now; transactions that are still open end it where they begin.
func (t *topic) Plan(ctx context.Context, since json.RawMessage) (*sdk.Plan, error) {
	cl, err := t.cfg.client()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 45*time.Second) // less than an ingestor waits in silence
	defer cancel()
	was, err := t.since(since)
	if err != nil {
		return nil, err
	}
	specs, err := t.bounds(ctx, cl)
	if err != nil {
		return nil, err
	}
	next := mark{t.cfg.Topic, map[int32]int64{}}
	plan := &sdk.Plan{Watermark: next}
	var left []spec
	for _, sp := range specs {
		next.Offsets[sp.Partition] = sp.To
		if at, ok := was.Offsets[sp.Partition]; ok && at < sp.From {
			return nil, sdk.Fail("input_changed", "partition %d of topic %s: the records from offset %d to %d were deleted before they were read; run with --full to go on from what is there", sp.Partition, t.cfg.Topic, at, sp.From-1)
		} else if ok && at > sp.To {
			return nil, sdk.Fail("input_changed", "partition %d of topic %s ends at offset %d, and was read up to %d: it is another topic now; run with --full", sp.Partition, t.cfg.Topic, sp.To, at)
		} else if ok {
			sp.From = at
		}
		if sp.From < sp.To {
			left = append(left, sp)
			plan.Parts = append(plan.Parts, sdk.Part{ID: fmt.Sprintf("%s/%d/%d-%d", t.cfg.Topic, sp.Partition, sp.From, sp.To), Name: fmt.Sprintf("%s partition %d, offsets %d to %d", t.cfg.Topic, sp.Partition, sp.From, sp.To-1), Spec: sp})
		}
	}
	plan.Schema, err = t.schema(ctx, left)
	return plan, err
}

func (t *topic) since(raw json.RawMessage) (m mark, err error) {
	if len(raw) == 0 {
		return m, nil
	}
	if err := json.Unmarshal(raw, &m); err != nil || m.Topic != t.cfg.Topic {
		return m, sdk.Fail("bad_watermark", "the watermark %.100s is not of topic %s; run with --full", raw, t.cfg.Topic)
	}
	return m, nil
}

// bounds asks for the first and the last stable offset of every partition.
func (t *topic) bounds(ctx context.Context, cl *kgo.Client) ([]spec, error) {
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = kmsg.StringPtr(t.cfg.Topic)
	req.Topics = append(req.Topics, rt)
	meta, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("ask %v for topic %s: %w", t.cfg.Brokers, t.cfg.Topic, err)
	}
	if len(meta.Topics) != 1 {
		return nil, fmt.Errorf("ask for topic %s: the answer has %d topics", t.cfg.Topic, len(meta.Topics))
	}
	if err := kerr.ErrorForCode(meta.Topics[0].ErrorCode); err == kerr.UnknownTopicOrPartition {
		return nil, sdk.Fail("no_such_input", "there is no topic %s at %v", t.cfg.Topic, t.cfg.Brokers)
	} else if err != nil {
		return nil, fmt.Errorf("ask for topic %s: %w", t.cfg.Topic, err)
	}
	out := make([]spec, len(meta.Topics[0].Partitions))
	for i := range out {
		out[i].Partition = int32(i) // they are numbered without holes
	}
	if err := t.offsets(ctx, cl, out, -2, func(s *spec, at int64) { s.From = at }); err != nil {
		return nil, err
	}
	return out, t.offsets(ctx, cl, out, -1, func(s *spec, at int64) { s.To = at })
}

// offsets asks for the offset at a special timestamp: -2 is the first, -1 the end (of what is committed).
func (t *topic) offsets(ctx context.Context, cl *kgo.Client, parts []spec, at int64, set func(*spec, int64)) error {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.IsolationLevel = -1, 1
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = t.cfg.Topic
	for _, p := range parts {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = p.Partition, at
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	got := 0
	for _, shard := range cl.RequestSharded(ctx, req) { // each partition is asked for at its leader
		if shard.Err != nil {
			return fmt.Errorf("ask for the offsets of topic %s: %w", t.cfg.Topic, shard.Err)
		}
		for _, rt := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, rp := range rt.Partitions {
				if err := kerr.ErrorForCode(rp.ErrorCode); err != nil || int(rp.Partition) >= len(parts) {
					return fmt.Errorf("ask for the offsets of partition %d of topic %s: %w", rp.Partition, t.cfg.Topic, err)
				}
				set(&parts[rp.Partition], rp.Offset)
				got++
			}
		}
	}
	if got != len(parts) {
		return fmt.Errorf("ask for the offsets of topic %s: %d of %d partitions answered", t.cfg.Topic, got, len(parts))
	}
	return nil
}

// beside are the columns that every record has; those of a value in JSON follow.
func beside() []arrowio.Field {
	text := arrowio.Type{Kind: arrowio.String}
	binary := arrowio.Type{Kind: arrowio.Binary}
	header := arrowio.Type{Kind: arrowio.Struct, Elem: []arrowio.Field{{Name: "name", Type: text}, {Name: "value", Type: binary, Nullable: true}}}
	return []arrowio.Field{
		{Name: "kafka_partition", Type: arrowio.Type{Kind: arrowio.Int32}},
		{Name: "kafka_offset", Type: arrowio.Type{Kind: arrowio.Int64}},
		{Name: "kafka_timestamp", Type: arrowio.Type{Kind: arrowio.Timestamp, Unit: arrowio.Milli, Zone: "UTC"}},
		{Name: "kafka_key", Type: binary, Nullable: true},
		{Name: "kafka_headers", Type: arrowio.Type{Kind: arrowio.List, Elem: []arrowio.Field{{Name: "item", Type: header}}}},
	}
}

func (t *topic) schema(ctx context.Context, parts []spec) (*arrowio.Schema, error) {
	s := &arrowio.Schema{Fields: beside()}
	switch {
	case t.cfg.Value == "bytes":
		s.Fields = append(s.Fields, arrowio.Field{Name: "value", Type: arrowio.Type{Kind: arrowio.Binary}, Nullable: true})
		return s, nil
	case t.cfg.Value == "text":
		s.Fields = append(s.Fields, arrowio.Field{Name: "value", Type: arrowio.Type{Kind: arrowio.String}, Nullable: true})
		return s, nil
	case t.cfg.Schema != nil:
		s.Fields = append(s.Fields, t.cfg.Schema.Fields...)
		return s, nil
	}
	sample, err := t.sample(ctx, parts)
	if err != nil {
		return nil, err
	}
	inferred, err := record.Infer(sample)
	if err != nil {
		return nil, sdk.Fail("bad_sample", "topic %s: %v; give a schema, then such records are refused one by one", t.cfg.Topic, err)
	}
	if len(inferred.Fields) == 0 && len(parts) > 0 {
		return nil, sdk.Fail("empty_sample", "topic %s: no record to infer a schema from has a value; give a schema", t.cfg.Topic)
	}
	s.Fields = append(s.Fields, inferred.Fields...)
	return s, nil
}

func (t *topic) sample(ctx context.Context, parts []spec) (out []json.RawMessage, err error) {
	for _, p := range parts {
		n := 0
		err := t.each(ctx, p, func(r *kgo.Record) error {
			if r.Value != nil && !r.Attrs.IsControl() {
				out = append(out, r.Value)
			}
			if n++; n >= t.cfg.Sample {
				return errEnough
			}
			return nil
		})
		if err != nil && err != errEnough {
			return nil, err
		}
	}
	return out, nil
}
