package file_test

import (
	"bytes"
	"testing"

	"github.com/leathq/leat/pkg/arrowio/file"
)

var codecs = map[string]file.Codec{"zstd": file.Zstd, "snappy": file.Snappy, "none": file.None}

// Bytes are of Arrow data, not of the file.
func BenchmarkParquetWrite(b *testing.B) {
	batch := table(50_000)
	for name, codec := range codecs {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(batch.Bytes())
			for b.Loop() {
				write(b, file.WriteOptions{Codec: codec}, batch)
			}
		})
	}
}

func BenchmarkParquetRead(b *testing.B) {
	batch := table(50_000)
	for name, codec := range codecs {
		data := write(b, file.WriteOptions{Codec: codec}, batch)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(batch.Bytes())
			for b.Loop() {
				all(b, open(b, data, file.Options{}))
			}
		})
	}
}

func BenchmarkArrowRead(b *testing.B) {
	for name, data := range ipcFiles(b) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(table(500).Bytes())
			for b.Loop() {
				all(b, openIPC(b, data, file.Options{}))
			}
		})
	}
}

// Copy is the yardstick of the others: the same data moved once.
func BenchmarkCopy(b *testing.B) {
	data := encoded(b, table(50_000))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		bytes.Clone(data)
	}
}
