package ingestor

import (
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/formats"
)

// Names of what sources are made of, for whoever opens one without a run: see internal/source.
type (
	// Source reads one input, which its YAML describes.
	Source = source.Source
	// SourceDeps are what a source may use of the process that it runs in.
	SourceDeps = source.Deps
	// SourcePart is a partition of an input, and SourcePlan all of them.
	SourcePart = source.Part
	// SourcePlan is what a source will read.
	SourcePlan = source.Plan
	// Refused is a record that is no row.
	Refused = source.Reject
	// SourceRegistry makes sources by the word after `type:`.
	SourceRegistry = source.Registry
)

// AddFiles makes the sources of files known: parquet, arrow, feather, jsonl, csv, tsv, text, html, warc, delta and huggingface.
func AddFiles(r *SourceRegistry) { formats.Register(r) }

// FileType is the type of source that reads a file, by its name alone; empty where the name says none.
func FileType(name string) string { return formats.Of(name) }

// FileSources is a registry that has the sources of files alone.
func FileSources() *SourceRegistry {
	r := source.NewRegistry()
	AddFiles(r)
	return r
}
