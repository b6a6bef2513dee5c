// Package arrowbus_test has programs that know nothing of Leat read its batches off a real JetStream and publish theirs: one on
// the frozen github.com/apache/arrow/go/v17, which users may still hold, and one on pyarrow.
package arrowbus_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/e2e/driver/programs"
	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/bus/bustest"
)

const patience = 90 * time.Second

// goClient builds the program on v17.
func goClient(t *testing.T) []string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "client")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	cmd.Dir, cmd.Env = "client", append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the client on Arrow v17: %v\n%s", err, out)
	}
	return []string{program}
}

func pythonClient(t *testing.T) []string {
	t.Helper()
	python := filepath.Join(programs.Cache(), "arrowbus", "venv", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		t.Fatalf("%v: run e2e/arrowbus/install.sh, as `make test` does", err)
	}
	return []string{python, filepath.Join("python", "client.py")}
}

func TestOthersReadOurBatchesOffTheBusAndWeReadTheirs(t *testing.T) {
	js := stream(t)
	for name, c := range map[string]struct {
		command func(*testing.T) []string
		own     int // batches of its own making
	}{"arrow v17": {goClient, 1}, "pyarrow": {pythonClient, 4}} {
		t.Run(name, func(t *testing.T) {
			from, to := fmt.Sprintf("data.%d.out.0", len(name)), fmt.Sprintf("data.%d.back.0", len(name))
			ours := publish(t, js.JetStream, from)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			line := append(c.command(t), js.url, from, to, strconv.Itoa(len(ours)))
			cmd := exec.CommandContext(ctx, line[0], line[1:]...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", cmd, err, out)
			}
			theirs := receive(t, js.JetStream, to, len(ours)+c.own)
			for i, want := range ours {
				if got := encode(t, theirs[i]); !bytes.Equal(got, want) {
					t.Errorf("batch %d comes back as other rows: %s, want %s", i, theirs[i].Schema(), decode(t, want).Schema())
				}
			}
			for i, b := range theirs[len(ours):] {
				check(t, i, b)
			}
		})
	}
}

type streams struct {
	jetstream.JetStream
	url string
}

func stream(t *testing.T) streams {
	t.Helper()
	s := bustest.Start(t)
	nc, err := nats.Connect(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "DATA", Subjects: []string{"data.>"}}); err != nil {
		t.Fatal(err)
	}
	return streams{js, s.URL()}
}

// publish sends batches of every kind of column and returns what was sent.
func publish(t *testing.T, js jetstream.JetStream, subject string) (sent [][]byte) {
	t.Helper()
	b := table()
	for i, b := range []*arrowio.Batch{b, b.Slice(3, 90), b.Slice(5, 5), b.Slice(99, 100)} {
		data := encode(t, b)
		m := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{}}
		for k, v := range arrowio.Header(uint64(i), b, data) {
			m.Header.Set(k, v)
		}
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, data)
	}
	return sent
}

func receive(t *testing.T, js jetstream.JetStream, subject string, count int) (out []*arrowio.Batch) {
	t.Helper()
	c, err := js.OrderedConsumer(t.Context(), "DATA", jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		m, err := c.Next(jetstream.FetchMaxWait(patience))
		if err != nil {
			t.Fatal(err)
		}
		b := decode(t, m.Data())
		number, err := arrowio.CheckHeader(m.Headers().Get, b, m.Data())
		if err != nil || number != uint64(i) {
			t.Fatalf("message %d says it is batch %d, %v", i, number, err)
		}
		out = append(out, b)
	}
	return out
}

// check looks at a batch that a client made: rows 4 to 8 of a table of ids, and texts where the id is no multiple of three.
func check(t *testing.T, i int, b *arrowio.Batch) {
	t.Helper()
	if b.Rows() != 4 {
		t.Fatalf("their batch %d has %d rows: %s", i, b.Rows(), b.Schema())
	}
	for row := range 4 {
		id := int64(row + 4)
		if got := b.Column(0).Value(row); got != id {
			t.Errorf("their batch %d, row %d: id %v, want %d", i, row, got, id)
		}
		text := b.Column(1)
		if want := fmt.Sprint("text ", id); text.IsNull(row) != (id%3 == 0) || !text.IsNull(row) && !bytes.HasPrefix(text.Strings().At(row), []byte(want)) {
			t.Errorf("their batch %d, row %d: text %v, want %q", i, row, text.Value(row), want)
		}
		if k := b.Schema().Index("kind"); k >= 0 {
			if got, want := b.Column(k).Value(row), []any{"c", "b", "a", nil}[row]; got != want {
				t.Errorf("their batch %d, row %d: kind %v, want %v", i, row, got, want)
			}
		}
	}
}

func encode(t *testing.T, b *arrowio.Batch) []byte {
	t.Helper()
	data, err := arrowio.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode(t *testing.T, data []byte) *arrowio.Batch {
	t.Helper()
	b, err := arrowio.Decode(data, arrowio.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return b
}
