// Package ingestor reads raw data from its sources and sends it on as Arrow batches. What speaks to NATS stands here; the other sources are internal
// packages or programs of their own (docs/source-protocol.md). It decides nothing about the data's quality.
package ingestor
