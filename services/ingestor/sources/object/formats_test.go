package main

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/services/ingestor/sources/internal/sourcetest"
)

// columns is a Parquet file of one column.
func columns(t *testing.T, name string, values ...int64) []byte {
	t.Helper()
	var out bytes.Buffer
	b := arrowio.BatchOf(arrowio.Of(name, values))
	w, err := file.NewParquetWriter(&out, b.Schema(), file.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{w.Write(b), w.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// delta is the log of a table of one column, with one file a version.
func delta(version int, name string, size int) []byte {
	out := ""
	if version == 0 {
		out = `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}` + "\n" +
			`{"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[],"configuration":{}}}` + "\n"
	}
	return fmt.Appendf(nil, `%s{"add":{"path":%q,"partitionValues":{},"size":%d,"modificationTime":1,"dataChange":true}}`+"\n", out, name, size)
}

const (
	webPage    = "<html lang=en><head><title>A page</title></head><body><article><p>These are the words of an article that has a few sentences. They are about nothing in particular, but there are enough of them.</p></article></body></html>"
	webArchive = "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Target-URI: http://a.example/\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n"
)

// Whatever a file can be, an object can be.
func TestObjectsAreOfAllFormatsOfFiles(t *testing.T) {
	one, two := columns(t, "id", 1, 2), columns(t, "id", 3)
	arrow, err := arrowio.Encode(arrowio.BatchOf(arrowio.Of("id", []int64{1, 2})))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		format  string
		objects map[string][]byte
		column  string
		rows    string
	}{
		{"parquet", map[string][]byte{"a.parquet": one}, "id", "[1 2]"},
		{"arrow", map[string][]byte{"a.arrow": arrow}, "id", "[1 2]"},
		{"feather", map[string][]byte{"a.feather": arrow}, "id", "[1 2]"},
		{"jsonl", map[string][]byte{"a.jsonl.gz": packed(t, []byte("{\"id\":1}\n{\"id\":2}\n"))}, "id", "[1 2]"},
		{"csv", map[string][]byte{"a.csv": []byte("id,x\n1,a\n2,b\n")}, "id", "[1 2]"},
		{"tsv", map[string][]byte{"a.tsv": []byte("id\tx\n1\ta\n2\tb\n")}, "id", "[1 2]"},
		{"text", map[string][]byte{"a.txt": []byte("one\ntwo\n")}, "text", "[one two]"},
		{"html", map[string][]byte{"a.html": []byte(webPage)}, "title", "[A page]"},
		{"warc", map[string][]byte{"a.warc.wet": []byte(webArchive)}, "text", "[hello]"},
		{"delta", map[string][]byte{
			"p0.parquet": one, "_delta_log/00000000000000000000.json": delta(0, "p0.parquet", len(one)),
			"p1.parquet": two, "_delta_log/00000000000000000001.json": delta(1, "p1.parquet", len(two)),
		}, "id", "[1 2 3]"},
		{"huggingface", map[string][]byte{"README.md": []byte("---\nlicense: mit\n---\n"), "data/train-00000-of-00001.parquet": one, "data/test-00000-of-00001.parquet": two}, "id", "[1 2 3]"},
	}
	var tested []string
	for _, st := range stores(t) {
		for _, c := range tests {
			t.Run(st.name+"/"+c.format, func(t *testing.T) {
				for name, data := range c.objects {
					st.put("in/"+c.format+"/"+name, data)
				}
				config := map[string]any{"type": "object", "bucket": st.url, "format": c.format, "path": "in/" + c.format}
				if c.format == "text" {
					config["each"] = "line"
				}
				got, _ := sourcetest.All(t, sourcetest.Open(t, config), nil)
				values := make([]any, len(got.Rows))
				for i, r := range got.Rows {
					values[i] = r[c.column]
				}
				slices.SortStableFunc(values, func(a, b any) int { return bytes.Compare(fmt.Append(nil, a), fmt.Append(nil, b)) })
				if s := fmt.Sprint(values); s != c.rows || len(got.Rejects) > 0 {
					t.Errorf("rows %s, want %s; rejects %v", s, c.rows, got.Rejects)
				}
			})
		}
	}
	for _, c := range tests {
		tested = append(tested, c.format)
	}
	slices.Sort(tested)
	if all := slices.Sorted(slices.Values(kinds().Kinds())); !slices.Equal(all, tested) {
		t.Errorf("there are the formats %v, and tests of %v", all, tested)
	}
}
