package lineage_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/lineage"
)

// full is an event with every facet that we write.
func full(t *testing.T) *lineage.Event {
	low, high, name, nan := "1", "2.5", "a", "NaN"
	m := &dataset.Manifest{Name: "docs", Version: "sha256:" + strings.Repeat("a", 64),
		Schema:     []dataset.Field{{Name: "id", Type: "int64"}, {Name: "text", Type: "string", Nullable: true}},
		Shards:     []dataset.Shard{{Rows: 3, Bytes: 100}, {Rows: 4, Bytes: 50}},
		Statistics: []dataset.Column{{Name: "id", Rows: 7, Min: &low, Max: &high}, {Name: "text", Rows: 7, Nulls: 2, Min: &name, Max: &nan}},
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.FixedZone("", 3600))
	e := lineage.New(lineage.Fail, at, "run-1", lineage.Job{Namespace: "default", Name: "docs"})
	e.Parent("pipeline-1", lineage.Job{Namespace: "default", Name: "nightly"})
	e.Nominal(at, at.Add(time.Hour))
	e.Error("disk full")
	e.Code("0123abc")
	e.Tags(map[string]string{"team": "search", "a": "b"})
	in := lineage.Input(dataset.Source{Kind: "parquet", Name: "file:///in/a.parquet", Digest: "sha256:00"})
	in.Assertions([]lineage.Assertion{{Assertion: "expect_column_values_to_not_be_null", Column: "id", Success: true, Severity: "error"}})
	e.Inputs = append(e.Inputs, in)
	e.Outputs = append(e.Outputs, lineage.Output("s3://bucket/a/", m))
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	return e
}

// required are the fields of the specification without which a catalogue refuses an event; "*" goes through lists and maps.
var required = []string{
	"eventType", "eventTime", "producer", "schemaURL", "run.runId", "job.namespace", "job.name",
	"inputs.*.namespace", "inputs.*.name", "outputs.*.namespace", "outputs.*.name",
	"run.facets.*._producer", "run.facets.*._schemaURL", "job.facets.*._producer", "job.facets.*._schemaURL",
	"inputs.*.facets.*._producer", "inputs.*.inputFacets.*._schemaURL", "outputs.*.facets.*._schemaURL", "outputs.*.outputFacets.*._producer",
	"run.facets.parent.run.runId", "run.facets.parent.job.namespace", "run.facets.parent.job.name",
	"run.facets.nominalTime.nominalStartTime", "run.facets.errorMessage.message", "run.facets.errorMessage.programmingLanguage",
	"run.facets.tags.tags.*.key", "run.facets.tags.tags.*.value",
	"job.facets.jobType.processingType", "job.facets.jobType.integration", "job.facets.sourceCodeLocation.type", "job.facets.sourceCodeLocation.url",
	"inputs.*.inputFacets.dataQualityAssertions.assertions.*.assertion", "inputs.*.inputFacets.dataQualityAssertions.assertions.*.success",
	"outputs.*.facets.version.datasetVersion", "outputs.*.facets.schema.fields.*.name", "outputs.*.facets.dataQualityMetrics.columnMetrics.*.nullCount",
	"outputs.*.outputFacets.outputStatistics.rowCount",
}

func has(v any, path []string) bool {
	if len(path) == 0 {
		return v != nil && v != ""
	}
	switch v := v.(type) {
	case map[string]any:
		if path[0] != "*" {
			return has(v[path[0]], path[1:])
		}
		for _, each := range v {
			if !has(each, path[1:]) {
				return false
			}
		}
		return len(v) > 0
	case []any:
		for _, each := range v {
			if path[0] != "*" || !has(each, path[1:]) {
				return false
			}
		}
		return len(v) > 0
	}
	return false
}

func TestEventHasWhatTheSpecificationWants(t *testing.T) {
	data, err := json.MarshalIndent(full(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for _, path := range required {
		if !has(got, strings.Split(path, ".")) {
			t.Errorf("no %s", path)
		}
	}
	golden, err := os.ReadFile("testdata/event.json")
	if os.Getenv("LEAT_TEST_WRITE") != "" {
		err = os.WriteFile("testdata/event.json", append(data, '\n'), 0o644)
		golden = append(data, '\n')
	}
	if err != nil || string(golden) != string(data)+"\n" {
		t.Errorf("the event is not testdata/event.json any more (LEAT_TEST_WRITE=1 writes it): %v\n%s", err, data)
	}
}

func TestRepeatedEventsAreTheSame(t *testing.T) {
	a, b := full(t), full(t)
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if string(x) != string(y) || a.MessageID() != b.MessageID() {
		t.Errorf("%s\n%s", x, y)
	}
	if lineage.RunID("run-1") == lineage.RunID("run-2") || a.MessageID() != lineage.RunID("run-1")+".FAIL" {
		t.Error(a.MessageID())
	}
	if s := lineage.Subject("run-1"); s != "evt.lineage.run_event.v1.run-1" {
		t.Error(s)
	}
}

func TestCheckRefuses(t *testing.T) {
	for want, spoil := range map[string]func(e *lineage.Event){
		"no transition": func(e *lineage.Event) { e.Type = "DONE" },
		"no time":       func(e *lineage.Event) { e.Time = time.Time{} },
		"no UUID":       func(e *lineage.Event) { e.Run.ID = "run-1" },
		"the job has":   func(e *lineage.Event) { e.Job.Namespace = "" },
		"producer":      func(e *lineage.Event) { e.Producer = "leat" },
		"dataset 1 has": func(e *lineage.Event) { e.Outputs[0].Name = "" },
	} {
		e := full(t)
		spoil(e)
		if err := e.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
}

func TestNamespace(t *testing.T) {
	for address, want := range map[string][2]string{
		"/data/a.csv":                       {"file", "/data/a.csv"},
		"file:///data/a.csv":                {"file", "/data/a.csv"},
		"s3://bucket/a/b?region=x":          {"s3://bucket", "a/b"},
		"postgres://u:secret@db:5432/shop":  {"postgres://db:5432", "shop"},
		"https://host/api/v1?token=secret2": {"https://host", "api/v1"},
	} {
		if space, name := lineage.Namespace(address); space != want[0] || name != want[1] {
			t.Errorf("%s: %s, %s", address, space, name)
		}
	}
}
