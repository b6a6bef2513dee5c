package main

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

// parts puts neighbouring files together.
func (c config) parts(tasks []table.FileScanTask, base spec) (out []sdk.Part) {
	var total int64
	for _, k := range tasks {
		total += k.File.FileSizeBytes()
	}
	most := max(c.PartitionBytes, total/int64(c.MaxPartitions)+1)
	for from := 0; from < len(tasks); {
		to, size, rows := from, int64(0), int64(0)
		for to < len(tasks) && (to == from || size+tasks[to].File.FileSizeBytes() <= most || len(out) == c.MaxPartitions-1) {
			size, rows = size+tasks[to].File.FileSizeBytes(), rows+tasks[to].File.Count()
			to++
		}
		sp := base
		sp.From, sp.To, sp.Digest = from, to, digest(tasks[from:to])
		out = append(out, sdk.Part{ID: fmt.Sprintf("%d-%d/%s", base.Since, base.Snapshot, sp.Digest), Name: fmt.Sprintf("snapshot %d, files %d to %d of %d", base.Snapshot, from+1, to, len(tasks)), Rows: rows, Bytes: size, Spec: sp})
		from = to
	}
	return out
}

// digest names what tasks read.
func digest(tasks []table.FileScanTask) string {
	h := xxh3.New()
	for _, k := range tasks {
		for _, fs := range [][]iceberg.DataFile{{k.File}, k.DeleteFiles, k.EqualityDeleteFiles, k.DeletionVectorFiles} {
			paths := make([]string, len(fs))
			for i, f := range fs {
				paths[i] = f.FilePath()
			}
			slices.Sort(paths)
			_, _ = fmt.Fprintf(h, "%q\n", paths)
		}
	}
	sum := h.Sum128().Bytes()
	return hex.EncodeToString(sum[:])
}
