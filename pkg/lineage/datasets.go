package lineage

import (
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/leathq/leat/pkg/dataset"
)

type schema struct {
	base
	Fields []schemaField `json:"fields"`
}

type schemaField struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Position int    `json:"ordinal_position"` // from 1
}

type version struct {
	base
	Version string `json:"datasetVersion"`
}

type outputStatistics struct {
	base
	Rows  int64 `json:"rowCount"`
	Size  int64 `json:"size"`
	Files int   `json:"fileCount"`
}

type metrics struct {
	base
	Rows    int64                    `json:"rowCount"`
	Bytes   int64                    `json:"bytes"`
	Files   int                      `json:"fileCount"`
	Columns map[string]columnMetrics `json:"columnMetrics"`
}

type columnMetrics struct {
	Nulls int64    `json:"nullCount"`
	Count int64    `json:"count"` // of values
	Min   *float64 `json:"min,omitempty"`
	Max   *float64 `json:"max,omitempty"`
}

// Output is a published version as what a run made. store is the blob store's URL.
func Output(store string, m *dataset.Manifest) Dataset {
	d := Published(store, m)
	d.OutputFacets = Facets{"outputStatistics": outputStatistics{facet("1-0-2", "OutputStatisticsOutputDatasetFacet"),
		dataset.Rows(m.Shards), dataset.Bytes(m.Shards), len(m.Shards)}}
	return d
}

// Published is a version as a dataset, with its schema, version and statistics.
func Published(store string, m *dataset.Manifest) Dataset {
	s := schema{facet("1-2-0", "SchemaDatasetFacet"), []schemaField{}}
	for i, f := range m.Schema {
		s.Fields = append(s.Fields, schemaField{f.Name, f.Type, i + 1})
	}
	q := metrics{facet("1-0-1", "DataQualityMetricsDatasetFacet"), dataset.Rows(m.Shards), dataset.Bytes(m.Shards), len(m.Shards), map[string]columnMetrics{}}
	for _, c := range m.Statistics {
		q.Columns[c.Name] = columnMetrics{c.Nulls, c.Rows - c.Nulls, number(c.Min), number(c.Max)}
	}
	space, prefix := Namespace(store)
	return Dataset{Namespace: space, Name: path.Join(prefix, "datasets", m.Name), Facets: Facets{
		"schema": s, "version": version{facet("1-0-1", "DatasetVersionDatasetFacet"), m.Version}, "dataQualityMetrics": q,
	}}
}

// Input is a source as what a run read; its digest is its version.
func Input(s dataset.Source) Dataset {
	space, name := Namespace(s.Name)
	if name == "" {
		name = s.Kind
	}
	d := Dataset{Namespace: space, Name: name}
	if s.Digest != "" {
		d.Facets = Facets{"version": version{facet("1-0-1", "DatasetVersionDatasetFacet"), s.Digest}}
	}
	return d
}

// Namespace takes a URL or path apart as OpenLineage's naming does: file and a path, s3://bucket and a key, postgres://host:port and
// what stands behind. Passwords and parameters are left out.
func Namespace(address string) (namespace, name string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return "file", address
	}
	if u.Scheme == "file" {
		return "file", u.Path
	}
	return u.Scheme + "://" + u.Host, strings.TrimPrefix(u.Path, "/")
}

// number is a statistic as the facet has it, where it is one.
func number(text *string) *float64 {
	if text == nil {
		return nil
	}
	f, err := strconv.ParseFloat(*text, 64)
	if err != nil || f != f || f-f != 0 { // JSON has no NaN and no infinities
		return nil
	}
	return &f
}
