// Package sources tests the ingestor's sources against what others write and serve: files by pyarrow and deltalake.
package sources
