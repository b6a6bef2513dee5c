package sdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

// source does in Read what a test says.
type source struct {
	read func(ctx context.Context, w *sdk.Writer) error
}

func (s source) Plan(context.Context, json.RawMessage) (*sdk.Plan, error) {
	return nil, errors.New("the server is away")
}

func (s source) Read(ctx context.Context, _, _ json.RawMessage, w *sdk.Writer) error {
	return s.read(ctx, w)
}

const request = `{"protocol":1,"config":{"type":"t","size":3},"schema":[{"name":"n","type":"int64","nullable":false}]}` + "\n"

// run gives the lines and what came on standard output.
func run(t *testing.T, s sdk.Source, mode string, stdin io.Reader) (lines []map[string]any, out []byte, err error) {
	t.Helper()
	var stdout, control bytes.Buffer
	p := sdk.Program{Name: "test", Version: "1", Open: func(raw json.RawMessage) (sdk.Source, error) {
		var c struct {
			Size int `json:"size"`
		}
		return s, sdk.Config(raw, &c)
	}}
	err = sdk.Run(t.Context(), p, []string{mode}, stdin, &stdout, &control)
	for dec := json.NewDecoder(&control); dec.More(); {
		var l map[string]any
		if err := dec.Decode(&l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines, stdout.Bytes(), err
}

// open is standard input while the ingestor lives.
func open(t *testing.T, text string) io.Reader {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	return io.MultiReader(strings.NewReader(text), r)
}

func TestWhatIsWrittenIsAnnouncedAndCounted(t *testing.T) {
	b := arrowio.BatchOf(arrowio.Of("n", []int64{1, 2}))
	lines, out, err := run(t, source{func(_ context.Context, w *sdk.Writer) error {
		return errors.Join(w.Batch(b, 2), w.Reject("f", 3, "odd", make([]byte, 1<<20)), w.Batch(nil, 3))
	}}, "read", open(t, request))
	want, encodeErr := arrowio.Encode(b)
	if err != nil || encodeErr != nil || !bytes.Equal(out, want) || len(lines) != 5 {
		t.Fatalf("%d lines, %d bytes, errors %v, %v", len(lines), len(out), err, encodeErr)
	}
	if l := lines[1]; l["bytes"] != float64(len(want)) || l["rows"] != 2.0 || l["cursor"] != 2.0 {
		t.Errorf("batch %v", l)
	}
	if raw, _ := lines[2]["raw"].(string); len(raw) > 90<<10 {
		t.Errorf("a record of a mebibyte goes along with %d characters", len(raw))
	}
	if l := lines[4]; l["type"] != "done" || l["batches"] != 2.0 || l["rows"] != 2.0 || l["rejects"] != 1.0 {
		t.Errorf("done %v", l)
	}
}

func TestFailuresSayWhetherAnotherTryMayHelp(t *testing.T) {
	read := func(err error) source {
		return source{func(context.Context, *sdk.Writer) error { return err }}
	}
	for name, c := range map[string]struct {
		s             source
		mode, request string
		code          any
		retry         bool
	}{
		"plain":           {read(nil), "plan", request, nil, true},
		"for good":        {read(sdk.Fail("no_table", "none")), "read", request, "no_table", false},
		"mode":            {read(nil), "check", request, "bad_request", false},
		"protocol":        {read(nil), "read", `{"protocol":2}` + "\n", "bad_request", false},
		"garbage":         {read(nil), "read", "hello\n", "bad_request", false},
		"unknown setting": {read(nil), "read", `{"protocol":1,"config":{"sise":3}}` + "\n", "bad_config", false},
		"rejects without a cursor": {source{func(_ context.Context, w *sdk.Writer) error {
			return w.Reject("f", 1, "odd", nil)
		}}, "read", request, nil, true},
	} {
		lines, _, err := run(t, c.s, c.mode, open(t, c.request))
		last := lines[len(lines)-1]
		if err == nil || last["type"] != "error" || last["code"] != c.code || (last["retry"] == true) != c.retry || last["message"] == "" {
			t.Errorf("%s: %v, error %v", name, last, err)
		}
	}
}

func TestAProgramStopsWhenItsIngestorIsGone(t *testing.T) {
	_, _, err := run(t, source{func(ctx context.Context, _ *sdk.Writer) error {
		<-ctx.Done()
		return ctx.Err()
	}}, "read", strings.NewReader(request)) // ends after the request
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
