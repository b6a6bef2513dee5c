package all_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/lineage"
	"github.com/leathq/leat/services/ingestor/ingestortest"
)

// Whoever listens hears which version of a dataset a run has made, with its columns and books; also where its checks do not hold. A run that makes none names none.
func TestCataloguesHearOfTheDatasetThatARunMakes(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	b := bustest.Connect(t, m.srv, bus.Options{})
	m.file(t, "a.jsonl", 0, 2000)
	for _, tc := range []struct {
		id, suite, gates string
		phase            string
		ends             lineage.Type
	}{
		{"r1", lenient, "{}", "complete", lineage.Complete},
		{"r2", strict, "{}", "invalid", lineage.Complete},
		{"r3", lenient, `{"min_new_rows": 3000}`, "skipped", lineage.Complete},
		{"r4", lenient, `{"freshness": {"column": "id", "max_age": "1h"}}`, "failed", lineage.Fail},
	} {
		s := m.ends(t, milled(tc.id, tc.suite, tc.gates))
		got := ingestortest.Lineage(t, b, tc.id)
		if s.GetPhase() != tc.phase || len(got) != 2 || got[0].Type != lineage.Start || got[1].Type != tc.ends || len(got[0].Outputs) != 0 {
			t.Fatalf("%s is %s, and has told %+v", tc.id, s.GetPhase(), got)
		}
		if s.GetVersion() == "" {
			if len(got[1].Outputs) != 0 {
				t.Errorf("%s made nothing, and tells of %+v", tc.id, got[1].Outputs)
			}
			continue
		}
		if len(got[1].Outputs) != 1 {
			t.Fatalf("%s tells of %+v, and made version %s", tc.id, got[1].Outputs, s.GetVersion())
		}
		_, man := m.manifest(t, s.GetVersion())
		m.made(t, got[1].Outputs[0], man)
	}
}

// made holds what is told of a dataset against its manifest.
func (m *mill) made(t *testing.T, out lineage.Dataset, man *dataset.Manifest) {
	t.Helper()
	of := func(all lineage.Facets, name, field string) any {
		f, _ := all[name].(map[string]any)
		return f[field]
	}
	if want := strings.TrimPrefix(m.store, "file://") + "/datasets/docs"; out.Namespace != "file" || out.Name != want {
		t.Errorf("the dataset is told as %s %s, want file %s", out.Namespace, out.Name, want)
	}
	if v := of(out.Facets, "version", "datasetVersion"); v != man.Version {
		t.Errorf("the version is told as %v, and is %s", v, man.Version)
	}
	var columns []string
	fields, _ := of(out.Facets, "schema", "fields").([]any)
	for _, f := range fields {
		columns = append(columns, fmt.Sprint(f.(map[string]any)["name"], " ", f.(map[string]any)["type"]))
	}
	if got := strings.Join(columns, ", "); got != "id int64, text string" {
		t.Errorf("the columns are told as %s", got)
	}
	rows := float64(dataset.Rows(man.Shards))
	if n := of(out.OutputFacets, "outputStatistics", "rowCount"); n != rows || rows == 0 {
		t.Errorf("%v rows are told, and there are %v", n, rows)
	}
	metrics, _ := of(out.Facets, "dataQualityMetrics", "columnMetrics").(map[string]any)
	if id, _ := metrics["id"].(map[string]any); id["count"] != rows || id["nullCount"] != 0.0 {
		t.Errorf("of the column id it is told %v, and there are %v values", metrics["id"], rows)
	}
}
