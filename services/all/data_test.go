package all_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/host/hosttest"
	"github.com/leathq/leat/pkg/jobs"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	validatorv1 "github.com/leathq/leat/proto/gen/leat/validator/v1"
	"github.com/leathq/leat/services/ingestor"
	"github.com/leathq/leat/services/ingestor/ingestortest"
	"github.com/leathq/leat/services/validator"
)

// mill is a bus and a store with ingestors and validators.
type mill struct {
	ingestorv1.IngestorServiceClient
	validators validatorv1.ValidatorServiceClient
	srv        *embed.Server
	dir, store string
	sqlBytes   conf.Bytes // of the validators; 0: the default
}

func newMill(t *testing.T, replicas int) *mill {
	t.Helper()
	m := &mill{srv: bustest.Start(t), dir: t.TempDir(), store: "file://" + t.TempDir()}
	m.replicas(t, replicas)
	return m
}

// replicas starts an ingestor and a validator, as often as is wanted.
func (m *mill) replicas(t *testing.T, n int) {
	t.Helper()
	for k := range n {
		b := bustest.Connect(t, m.srv, bus.Options{})
		if err := jobs.Ensure(t.Context(), b, jobs.DefaultConfig()); err != nil {
			t.Fatal(err)
		}
		of := func(name string) host.Deps { return hosttest.Deps(fmt.Sprintf("%s-%d", name, k), b) }
		ic, vc := ingestor.DefaultConfig(), validator.DefaultConfig()
		ic.Dir, ic.Blob.URL, vc.Blob.URL = m.dir, m.store, m.store
		ic.Data.SegmentBytes, ic.Data.BatchBytes = 256<<10, 32<<10
		vc.Data, vc.SQL = ic.Data, cmp.Or(m.sqlBytes, vc.SQL)
		i, v := ingestor.New(ic, of("ingestor")), validator.New(vc, of("validator"))
		hosttest.Run(t, i.Run)
		hosttest.Run(t, v.Run)
		if k == 0 {
			conn := hosttest.Serve(t, i.Register, v.Register)
			m.IngestorServiceClient, m.validators = ingestorv1.NewIngestorServiceClient(conn), validatorv1.NewValidatorServiceClient(conn)
		}
		hosttest.Ready(t, i, v)
	}
}

// file writes rows with numbers from one on, of which every hundredth has no text and every 250th is no JSON.
func (m *mill) file(t *testing.T, name string, from, rows int) {
	t.Helper()
	var b strings.Builder
	for i := from; i < from+rows; i++ {
		switch {
		case i%250 == 200:
			b.WriteString("{\"id\": oops\n")
		case i%100 == 50:
			fmt.Fprintf(&b, "{\"id\": %d, \"text\": null}\n", i)
		default:
			fmt.Fprintf(&b, "{\"id\": %d, \"text\": %q}\n", i, strings.Repeat("t", i%90))
		}
	}
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// milled is a run over all files of the mill's directory.
func milled(id, suite, gates string) *datav1.Run {
	spec := `{"suite": ` + suite + `, "gates": ` + gates + `}`
	return &datav1.Run{Id: id, Name: id, Target: &datav1.Target{Dataset: "docs"}, Stages: []*datav1.Stage{
		{Name: "ingest", Kind: "ingest", Spec: []byte(`{"source": {"type": "jsonl", "path": "*.jsonl", "partition_bytes": 60000, "max_bad": "2%"}}`)},
		{Name: "validate", Kind: "validate", From: "ingest", Spec: []byte(spec)},
	}}
}

// ends runs a run to its end.
func (m *mill) ends(t *testing.T, run *datav1.Run) *ingestorv1.RunState {
	t.Helper()
	ingestortest.Submit(t, m, run)
	return ingestortest.Follow(t, m, run.GetId())
}

func (m *mill) manifest(t *testing.T, version string) (*dataset.Datasets, *dataset.Manifest) {
	t.Helper()
	return m.published(t, "docs", version)
}

func (m *mill) published(t *testing.T, name, version string) (*dataset.Datasets, *dataset.Manifest) {
	t.Helper()
	store, err := blob.Open(t.Context(), m.store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	d := dataset.New(store)
	out, err := d.Get(t.Context(), name, version)
	if err != nil {
		t.Fatal(err)
	}
	return d, out
}

const (
	lenient = `{"name": "lenient", "expectations": [
		{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "text", "mostly": 0.9}},
		{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}},
		{"type": "expect_column_value_lengths_to_be_between", "kwargs": {"column": "text", "min_value": 3, "mostly": 0.9}}]}`
	strict = `{"name": "strict", "expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "text"}}]}`
)

// Rows that fail a check go to quarantine with the reasons, records that are no rows are kept, and the rest is a dataset with a report: the same version on one
// replica and on three.
func TestADataRunEndsInADataset(t *testing.T) {
	t.Parallel()
	versions := map[string]int{}
	for _, replicas := range []int{1, 3} {
		m := newMill(t, replicas)
		m.file(t, "a.jsonl", 0, 3000)
		m.file(t, "b.jsonl", 3000, 2000)
		s := m.ends(t, milled("r1", lenient, "{}"))
		if s.GetPhase() != "complete" {
			t.Fatalf("%d replicas: %v", replicas, s)
		}
		d, man := m.manifest(t, "")
		versions[man.Version]++
		if man.Counts.In != 5000 || man.Counts.Refused != 20 || man.Counts.Quarantined < 50 || dataset.Rows(man.Shards) != man.Counts.Valid || dataset.Rows(man.Quarantine) != man.Counts.Quarantined {
			t.Errorf("%d replicas: %+v, %d rows in shards, %d in quarantine", replicas, man.Counts, dataset.Rows(man.Shards), dataset.Rows(man.Quarantine))
		}
		if man.Suite == nil || man.Suite.Of != 3 || man.Suite.Met != 3 || len(man.Statistics) != 2 || man.Statistics[1].Nulls != 0 || len(man.Files) < 2 {
			t.Errorf("suite %+v, statistics %+v, files %+v", man.Suite, man.Statistics, man.Files)
		}
		reasons(t, d, man)
		r, err := m.validators.GetReport(t.Context(), &validatorv1.GetReportRequest{Run: "r1"})
		if err != nil || !json.Valid(r.GetReport()) || !strings.Contains(string(r.GetReport()), `"element_count":4980`) {
			t.Errorf("the report: %v %.300s", err, r.GetReport())
		}
	}
	if len(versions) != 1 {
		t.Errorf("versions differ with the number of replicas: %v", versions)
	}
}

// reasons looks at what stands beside quarantined rows.
func reasons(t *testing.T, d *dataset.Datasets, man *dataset.Manifest) {
	t.Helper()
	nulls, short := 0, 0
	for _, s := range man.Quarantine {
		err := d.Read(t.Context(), s, nil, func(b *arrowio.Batch) error {
			text, why := b.Column(1), b.Column(b.Schema().Index("_reasons"))
			for i := range b.Rows() {
				switch said := why.Value(i).(string); {
				case text.IsNull(i) && said == `[{"expectation":0,"type":"expect_column_values_to_not_be_null","column":"text"}]`:
					nulls++
				case !text.IsNull(i) && said == `[{"expectation":2,"type":"expect_column_value_lengths_to_be_between","column":"text"}]`:
					short++
				default:
					t.Errorf("%v is in quarantine for %s", text.Value(i), said)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if nulls < 40 || short == 0 {
		t.Errorf("%d rows without a text and %d with a short one are in quarantine", nulls, short)
	}
}

func TestADataRunThatFailsItsChecksIsKeptAside(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	m.file(t, "a.jsonl", 0, 2000)
	if s := m.ends(t, milled("r1", lenient, "{}")); s.GetPhase() != "complete" {
		t.Fatal(s)
	}
	_, good := m.manifest(t, "")
	for _, tc := range []struct {
		id, suite, gates string
		phase, says      string
	}{
		{"r2", strict, "{}", "invalid", "0 of 1 expectations hold; not expect_column_values_to_not_be_null(text)"},
		{"r3", strings.Replace(strict, "_be_null", "_be_nul", 1), "{}", "invalid", `did you mean "expect_column_values_to_not_be_null"`},
		{"r4", lenient, `{"min_new_rows": 3000}`, "skipped", "3000"},
		{"r5", lenient, `{"freshness": {"column": "id", "max_age": "1h"}}`, "failed", "is int64, and no time"},
	} {
		s := m.ends(t, milled(tc.id, tc.suite, tc.gates))
		if said := fmt.Sprint(s); s.GetPhase() != tc.phase || !strings.Contains(strings.ReplaceAll(said, `\"`, `"`), tc.says) {
			t.Errorf("%s: %s, want %s and %q in %s", tc.id, s.GetPhase(), tc.phase, tc.says, said)
		}
		if _, now := m.manifest(t, ""); tc.phase != "complete" && now.Version != good.Version {
			t.Errorf("%s: %s moved the latest version", tc.id, tc.phase)
		}
		if (s.GetVersion() != "") != (tc.phase == "complete" || tc.phase == "invalid") {
			t.Errorf("%s: version %q of a run that is %s", tc.id, s.GetVersion(), tc.phase)
		}
	}
	failFast := milled("r7", strict, "{}")
	failFast.Stages[0].Spec = []byte(`{"source": {"type": "jsonl", "path": "*.jsonl", "max_bad": "2%"}}`) // one partition: of two, either may be the first to fail
	failFast.Stages[1].Spec = []byte(`{"suite": ` + strict + `, "fail_fast": true}`)
	if s := m.ends(t, failFast); s.GetPhase() != "failed" || !strings.Contains(fmt.Sprint(s.GetTroubles()), "row 50 of partition 0 fails") {
		t.Error(s)
	}
}

// What a validator cannot do fails the run by the field's name, before a row is looked at.
func TestADataRunFailsByTheFieldOfItsChecks(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	m.file(t, "a.jsonl", 0, 100)
	n := 0
	for spec, says := range map[string]string{
		`{"suit": {}}`:                        `unknown field "suit"`,
		`{"suite": {"name": "s"}}`:            "suite: ",
		`{"gates": {"schema": "loose"}}`:      "gates.schema",
		`{"gates": {"min_new_rows": -1}}`:     "gates.min_new_rows",
		`{"gates": {"freshness": {}}}`:        "gates.freshness",
		`{"gates": {"drift": {}}}`:            "gates.drift",
		`{"result_format": "ALL"}`:            "result_format",
		`{"parameters": [1]}`:                 "parameters",
		`{"gates": {"volume": {"warn": -1}}}`: "gates.volume",
	} {
		n++
		run := milled(fmt.Sprint("r", n), strict, "{}")
		run.Stages[1].Spec = []byte(spec)
		if s := m.ends(t, run); s.GetPhase() != "failed" || !strings.Contains(s.GetTroubles()[0].GetMessage(), says) {
			t.Errorf("%s: %s %v, want %s", spec, s.GetPhase(), s.GetTroubles(), says)
		}
	}
}
