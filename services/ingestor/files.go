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
	// SourceRegistry makes sources by the word after `type:`.
	SourceRegistry = source.Registry
)

// AddFiles makes the sources of files known: parquet, arrow, feather, jsonl, csv, tsv, text, html, warc, delta and huggingface.
func AddFiles(r *SourceRegistry) { formats.Register(r) }

// FileSources is a registry that has the sources of files alone.
func FileSources() *SourceRegistry {
	r := source.NewRegistry()
	AddFiles(r)
	return r
}
