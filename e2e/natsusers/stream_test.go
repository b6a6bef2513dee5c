package natsusers_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/e2e/natsusers"
	"github.com/leathq/leat/pkg/events"
)

// A work queue's users may do all that a work queue needs and no more, with acknowledgements of either form.
func TestAStreamsUsersPullAndAcknowledge(t *testing.T) {
	flows := append(events.Flows(), events.Flow{Pattern: "queue.{class}.{tenant}.{kind}", From: []events.Role{events.Gateway}})
	stores := append(events.Stores(), events.Store{Kind: events.Stream, Name: "QUEUE", Grants: []events.Grant{
		{Role: events.Router, Makes: true, Changes: true}, {Role: events.Worker, Takes: []string{"bulk"}},
	}})
	for _, v2 := range []bool{false, true} {
		t.Run(fmt.Sprint("v2 ", v2), func(t *testing.T) {
			url, log := serve(t, fmt.Sprintf("feature_flags {js_ack_fc_v2: %v}\n", v2)+natsusers.Conf(natsusers.Users(flows, stores)))
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			streams := func(role events.Role) jetstream.JetStream {
				js, err := jetstream.New(connect(t, url, role))
				if err != nil {
					t.Fatal(err)
				}
				return js
			}
			cfg := jetstream.StreamConfig{Name: "QUEUE", Subjects: []string{"queue.>"}, Retention: jetstream.WorkQueuePolicy}
			if _, err := streams(events.Router).CreateOrUpdateStream(ctx, cfg); err != nil {
				t.Fatal(err)
			}
			for range 4 {
				if _, err := streams(events.Gateway).Publish(ctx, "queue.bulk.acme.chat", nil); err != nil {
					t.Fatal(err)
				}
			}
			worker := streams(events.Worker)
			c, err := worker.CreateOrUpdateConsumer(ctx, "QUEUE", jetstream.ConsumerConfig{Durable: "bulk", FilterSubject: "queue.bulk.>", AckPolicy: jetstream.AckExplicitPolicy})
			if err != nil {
				t.Fatal(err)
			}
			batch, err := c.Fetch(4, jetstream.FetchMaxWait(20*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			form, n := "", 0
			for m := range batch.Messages() {
				form = m.Reply()
				end := []func() error{m.Ack, func() error { return m.DoubleAck(ctx) }, m.Term, func() error { return errorsOf(m.InProgress(), m.Ack()) }}[n]
				if err := end(); err != nil {
					t.Error(err)
				}
				n++
			}
			if tokens := len(strings.Split(form, ".")); n != 4 || (tokens > 9) != v2 {
				t.Errorf("%d messages, acknowledged on %s: not the form of this server", n, form)
			}
			if lines := log.list(); len(lines) > 0 {
				t.Errorf("forbidden: %v", lines)
			}
			short, stop := context.WithTimeout(ctx, time.Second)
			defer stop()
			if _, err := streams(events.Gateway).Stream(short, "QUEUE"); err == nil {
				t.Error("the gateway reads the configuration of QUEUE")
			}
			if _, err := worker.CreateOrUpdateConsumer(short, "QUEUE", jetstream.ConsumerConfig{Durable: "other", AckPolicy: jetstream.AckExplicitPolicy}); err == nil {
				t.Error("the worker makes a consumer that is not its own")
			}
		})
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Whoever adds a bucket or a stream must say who may use it: otherwise it works everywhere but under these users.
func TestEveryStoreHasItsRoles(t *testing.T) {
	kinds := map[string]events.Kind{"KeyValueConfig": events.KeyValue, "ObjectStoreConfig": events.Objects, "StreamConfig": events.Stream}
	made := map[events.Kind][]string{}
	for _, dir := range []string{"../../pkg", "../../services"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				lit, ok := n.(*ast.CompositeLit)
				if !ok {
					return true
				}
				count, of := 1, lit.Type
				if list, ok := of.(*ast.ArrayType); ok { // whose elements leave the type out
					count, of = len(lit.Elts), list.Elt
				}
				if sel, ok := of.(*ast.SelectorExpr); ok && kinds[sel.Sel.Name] != "" && len(lit.Elts) > 0 {
					for range count {
						made[kinds[sel.Sel.Name]] = append(made[kinds[sel.Sel.Name]], set.Position(lit.Pos()).String())
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	told := map[events.Kind][]string{}
	for _, s := range events.Stores() {
		if slices.Contains(told[s.Kind], s.Name) {
			t.Errorf("%s %s is told twice", s.Kind, s.Name)
		}
		told[s.Kind] = append(told[s.Kind], s.Name)
	}
	if len(made[events.KeyValue]) == 0 {
		t.Error("no bucket is found in the source")
	}
	for _, kind := range kinds {
		if len(made[kind]) != len(told[kind]) {
			t.Errorf("%s: the source makes %d, at %v; Stores of pkg/events/roles.go names %v: say there who may use each", kind, len(made[kind]), made[kind], told[kind])
		}
	}
}
