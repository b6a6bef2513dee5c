// The client is a user's program on the frozen github.com/apache/arrow/go/v17: it reads batches off the bus with that library's own reader, writes the same rows
// back with its writer, and then a batch of its own making. It is a module of its own, outside go.work, so that nobody else links that version.
//
// Usage: client URL FROM TO COUNT
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("usage: client URL FROM TO COUNT")
	}
	count, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	nc, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	c, err := js.OrderedConsumer(ctx, "DATA", jetstream.OrderedConsumerConfig{FilterSubjects: []string{args[1]}})
	if err != nil {
		return err
	}
	for range count {
		m, err := c.Next()
		if err != nil {
			return fmt.Errorf("read a message: %w", err)
		}
		if err := echo(ctx, js, args[2], m); err != nil {
			return fmt.Errorf("batch %s: %w", m.Headers().Get("Leat-Batch"), err)
		}
	}
	return publish(ctx, js, args[2], count, own())
}

// echo decodes a message, compares what its headers say, and publishes its rows as this library writes them.
func echo(ctx context.Context, js jetstream.JetStream, to string, m jetstream.Msg) error {
	r, err := ipc.NewReader(bytes.NewReader(m.Data()))
	if err != nil {
		return err
	}
	defer r.Release()
	rec, err := r.Read()
	if err != nil {
		return err
	}
	if rows := strconv.FormatInt(rec.NumRows(), 10); rows != m.Headers().Get("Leat-Rows") {
		return fmt.Errorf("%s rows, and the header says %s", rows, m.Headers().Get("Leat-Rows"))
	}
	number, err := strconv.Atoi(m.Headers().Get("Leat-Batch"))
	if err != nil {
		return err
	}
	return publish(ctx, js, to, number, rec)
}

func publish(ctx context.Context, js jetstream.JetStream, to string, number int, rec arrow.Record) error {
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(rec.Schema()))
	if err := w.Write(rec); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err := js.PublishMsg(ctx, &nats.Msg{Subject: to, Data: out.Bytes(), Header: nats.Header{
		"Leat-Batch": {strconv.Itoa(number)}, "Leat-Rows": {strconv.FormatInt(rec.NumRows(), 10)},
	}})
	return err
}

// own is a slice of a batch, which libraries write with more or less of what lies around it.
func own() arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	}, nil))
	tags := b.Field(2).(*array.ListBuilder)
	for i := range int64(10) {
		b.Field(0).(*array.Int64Builder).Append(i)
		if i%3 == 0 {
			b.Field(1).AppendNull()
		} else {
			b.Field(1).(*array.StringBuilder).Append(fmt.Sprint("text ", i))
		}
		tags.Append(true)
		for j := range i % 3 {
			tags.ValueBuilder().(*array.StringBuilder).Append(fmt.Sprint("tag ", j))
		}
	}
	return b.NewRecord().NewSlice(4, 8)
}
