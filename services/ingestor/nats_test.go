package ingestor_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/services/ingestor"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// stream is a real JetStream with a stream THINGS over things.>.
func stream(t *testing.T) (url string, js jetstream.JetStream) {
	t.Helper()
	url = bustest.Start(t).URL()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "THINGS", Subjects: []string{"things.>"}}); err != nil {
		t.Fatal(err)
	}
	return url, js
}

func send(t *testing.T, js jetstream.JetStream, subject string, data ...string) {
	t.Helper()
	for _, d := range data {
		if _, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: subject, Data: []byte(d), Header: nats.Header{"B": {"2"}, "A": {"1", "0"}}}); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, url, more string) source.Source {
	t.Helper()
	s, err := ingestor.NATS([]byte("type: nats\nurl: "+url+"\nstream: THINGS\n"+more), source.Deps{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type read struct {
	rows    []map[string]any
	rejects []source.Reject
	after   []source.Cursor
	ends    []int
}

func readAll(t *testing.T, s source.Source, p *source.Plan, c source.Cursor) (out read) {
	t.Helper()
	for _, part := range p.Parts {
		st, err := s.Open(t.Context(), part, c)
		if err != nil {
			t.Fatal(err)
		}
		for {
			c, err := st.Next(t.Context())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; c.Batch != nil && i < c.Batch.Rows(); i++ {
				row := map[string]any{}
				for j, f := range c.Batch.Schema().Fields {
					row[f.Name] = c.Batch.Column(j).Value(i)
				}
				out.rows = append(out.rows, row)
			}
			out.rejects, out.after, out.ends = append(out.rejects, c.Rejects...), append(out.after, c.After), append(out.ends, len(out.rows))
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func plan(t *testing.T, s source.Source, since source.Watermark) *source.Plan {
	t.Helper()
	p, err := s.Plan(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAStreamIsReadOnceAndLaterRunsReadWhatIsNew(t *testing.T) {
	url, js := stream(t)
	pad := strings.Repeat("x", 100<<10)
	for i := range 20 {
		send(t, js, "things.in", fmt.Sprintf(`{"id":%d,"pad":%q}`, i, pad))
		send(t, js, "things.out", `{"other":true}`)
	}
	s := open(t, url, "subject: things.in")
	p := plan(t, s, nil)
	send(t, js, "things.in", `{"id":20,"pad":"after the plan"}`)
	got := readAll(t, s, p, nil)
	if len(got.rows) != 20 || len(got.rejects) > 0 || len(got.after) < 3 {
		t.Fatalf("%d rows in %d chunks, rejects %v", len(got.rows), len(got.after), got.rejects)
	}
	for i, r := range got.rows {
		if r["id"] != int64(i) || r["nats_sequence"] != uint64(2*i+1) || r["nats_subject"] != "things.in" ||
			fmt.Sprint(r["nats_headers"]) != "[map[name:A value:1] map[name:A value:0] map[name:B value:2]]" {
			t.Fatalf("row %d is %.300v", i, r)
		}
	}
	rest := readAll(t, s, p, got.after[1])
	if len(rest.rows) != 20-got.ends[1] || rest.rows[0]["id"] != int64(got.ends[1]) {
		t.Errorf("from %s on: %d rows", got.after[1], len(rest.rows))
	}
	q := plan(t, s, p.Next)
	if then := readAll(t, s, q, nil); len(then.rows) != 1 || then.rows[0]["id"] != int64(20) {
		t.Errorf("the second run read %v", then.rows)
	}
	if none := plan(t, open(t, url, "subject: things.in\nschema: [{name: id, type: int64}]"), q.Next); len(none.Parts) != 0 {
		t.Errorf("the third run would read %+v", none.Parts)
	}
}

func TestValuesOfEveryKindAndThoseThatAreNone(t *testing.T) {
	url, js := stream(t)
	batch, err := arrowio.Encode(arrowio.BatchOf(arrowio.Of("id", []int64{1, 2})))
	if err != nil {
		t.Fatal(err)
	}
	send(t, js, "things.arrow", string(batch), "nonsense", string(batch))
	send(t, js, "things.json", `{"id":1}`, `{"id":`, ``, `{"id":2,"more":1}`)
	send(t, js, "things.raw", "text", "\xff", "")
	for _, c := range []struct {
		config        string
		rows, rejects int
	}{
		{"subject: things.arrow\nvalue: arrow", 4, 1},
		{"subject: things.json\nschema: [{name: id, type: int64, nullable: true}]", 2, 2},
		{"subject: things.raw\nvalue: text", 2, 1},
		{"subject: things.raw\nvalue: bytes", 3, 0},
		{"subject: things.nobody\nvalue: bytes", 0, 0},
	} {
		s := open(t, url, c.config)
		got := readAll(t, s, plan(t, s, nil), nil)
		if len(got.rows) != c.rows || len(got.rejects) != c.rejects {
			t.Errorf("%s: %d rows, %d rejects: %+v", c.config, len(got.rows), len(got.rejects), got.rejects)
		}
		for _, r := range got.rejects {
			if r.Line < 1 || r.Reason == "" {
				t.Errorf("%s: reject %+v", c.config, r)
			}
		}
	}
}

func TestAStreamThatIsNotWhatItWasIsRefused(t *testing.T) {
	url, js := stream(t)
	send(t, js, "things.a", "1", "2", "3", "4")
	s := open(t, url, "value: text")
	first := plan(t, s, nil)
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"a hole", func() error {
			send(t, js, "things.a", "5", "6", "7")
			st, err := js.Stream(t.Context(), "THINGS")
			if err != nil {
				return err
			}
			return st.Purge(t.Context(), jetstream.WithPurgeSequence(7))
		}},
		{"made anew", func() error {
			if err := js.DeleteStream(t.Context(), "THINGS"); err != nil {
				return err
			}
			_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "THINGS", Subjects: []string{"things.>"}})
			return err
		}},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Plan(t.Context(), first.Next); source.CodeOf(err) != source.Changed {
			t.Errorf("%s: error %v", step.name, err)
		}
	}
	if _, err := open(t, url, "").Plan(t.Context(), []byte(`{"stream":"OTHER"}`)); source.CodeOf(err) != source.Invalid {
		t.Errorf("a watermark of another stream: error %v", err)
	}
	if err := js.DeleteStream(t.Context(), "THINGS"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Plan(t.Context(), nil); source.CodeOf(err) != source.Missing {
		t.Errorf("no stream: error %v", err)
	}
}

func TestNATSConfigurationsWithAMistakeAreRefusedByName(t *testing.T) {
	for yaml, part := range map[string]string{
		"type: nats\nstream: S": "url", "type: nats\nurl: nats://x": "stream", "type: nats\nurl: nats://x\nstream: S\nvalue: avro": "avro",
		"type: nats\nurl: nats://x\nstream: S\ntoken_env: T": "token_env", "type: nats\nurl: nats://x\nstream: S\nstreams: T": "streams",
		"type: nats\nurl: nats://x\nstream: S\nschema: [{name: a, type: int65}]": "int65",
	} {
		if _, err := ingestor.NATS([]byte(yaml), source.Deps{Getenv: func(string) string { return "" }}); source.CodeOf(err) != source.Invalid || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: error %v does not name %s", yaml, err, part)
		}
	}
}
