package datacmd_test

import (
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
)

func published(t *testing.T) *sample {
	t.Helper()
	s := &sample{dir: filepath.Join(t.TempDir(), "store")}
	b, err := blob.Open(t.Context(), s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	d := dataset.New(b)
	m := &dataset.Manifest{Name: "docs", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Counts: dataset.Counts{In: 7, Valid: 4, Quarantined: 1, Refused: 2}}
	m.Schema = []dataset.Field{{Name: "id", Type: "int64"}, {Name: "text", Type: "string", Nullable: true}}
	keep := func(ids []int64, texts []string, n int) dataset.Shard {
		batch := arrowio.BatchOf(arrowio.Of("id", ids), arrowio.Of("text", texts))
		w, err := d.NewRowWriter(batch.Schema())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Add(batch); err != nil {
			t.Fatal(err)
		}
		shard, _, err := w.Close(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		shard.Number = n
		return shard
	}
	m.Shards = []dataset.Shard{keep([]int64{1, 2, 3}, []string{"a, b", `"q" <&>`, "line\nbreak"}, 0), keep([]int64{4}, []string{"ü"}, 1)}
	m.Quarantine = []dataset.Shard{keep([]int64{99}, []string{"bad"}, 0)}
	bad, err := d.Write(t.Context(), "jsonl", func(w io.Writer) error {
		e := json.NewEncoder(w)
		return errors.Join(e.Encode(flow.Refusal{File: "a.jsonl", Line: 7, Reason: "no JSON", Raw: []byte("{oops")}), e.Encode(flow.Refusal{File: "b", Line: 1, Raw: []byte{0xff}}))
	})
	if err != nil {
		t.Fatal(err)
	}
	bad.Rows = 2
	m.Rejects = []dataset.Shard{bad}
	if s.first, err = d.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	s.second = s.first
	return s
}

func TestCatPrintsRows(t *testing.T) {
	s := published(t)
	for _, tc := range []struct{ line, want string }{
		{"cat docs", `{"id":1,"text":"a, b"}` + "\n" + `{"id":2,"text":"\"q\" <&>"}` + "\n" + `{"id":3,"text":"line\nbreak"}` + "\n" + `{"id":4,"text":"ü"}` + "\n"},
		{"cat docs@FIRST --limit 1 --columns text", `{"text":"a, b"}` + "\n"},
		{"cat docs --format csv", "id,text\n1,\"a, b\"\n2,\"\"\"q\"\" <&>\"\n3,\"line\nbreak\"\n4,ü\n"},
		{"cat docs --columns text,id --limit 4 --format csv", "text,id\n\"a, b\",1\n\"\"\"q\"\" <&>\",2\n\"line\nbreak\",3\nü,4\n"},
		{"cat docs --rows quarantined", `{"id":99,"text":"bad"}` + "\n"},
		{"cat docs --rows refused", `{"file":"a.jsonl","line":7,"reason":"no JSON","raw":"{oops"}` + "\n" + `{"file":"b","line":1,"reason":"","raw":"` + "\ufffd" + `"}` + "\n"},
		{"cat docs --rows refused --columns line,file --limit 1 --format csv", "line,file\n7,a.jsonl\n"},
	} {
		if out, _, err := run(t, s, tc.line); err != nil || out != tc.want {
			t.Errorf("leat data %s: %v\n%swant\n%s", tc.line, err, out, tc.want)
		}
	}
	if _, _, err := run(t, s, "cat docs --rows refused --columns id"); err == nil || !strings.Contains(err.Error(), "file, line, reason, raw") {
		t.Errorf("a column that refused records do not have: %v, want the names of those that they have", err)
	}
	if _, _, err := run(t, s, "cat docs --columns txt"); err == nil || !strings.Contains(err.Error(), "id, text") {
		t.Errorf("a column that is not there: %v, want the names of those that are", err)
	}
}
