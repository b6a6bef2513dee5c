package data_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
)

// columns of the table that speed is measured with: numbers, short texts and a long one, as events have them.
var columns = []struct{ name, typ string }{
	{"id", "int64"}, {"at", "timestamp[us]"}, {"name", "string"}, {"country", "string"}, {"amount", "int64"}, {"score", "double"}, {"quantity", "int32"},
	{"flag", "bool"}, {"session", "string"}, {"text", "string"},
}

func tableSchema(t *testing.T) *arrowio.Schema {
	t.Helper()
	s := &arrowio.Schema{}
	for _, c := range columns {
		typ, err := arrowio.ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		s.Fields = append(s.Fields, arrowio.Field{Name: c.name, Type: typ, Nullable: true})
	}
	return s
}

// fileBytes is about how many Arrow bytes a file of the table has.
const fileBytes = 50e6

// table writes Parquet files with about so many Arrow bytes in all, no two rows alike, and returns the bytes.
func table(t *testing.T, dir string, size int64) (bytes int64) {
	t.Helper()
	schema, files := tableSchema(t), max(1, int(float64(size)/fileBytes))
	made, errs := make([]int64, files), make([]error, files)
	var work sync.WaitGroup
	next := make(chan int)
	for range 2 {
		work.Go(func() {
			for n := range next {
				made[n], errs[n] = tableFile(filepath.Join(dir, fmt.Sprintf("part-%04d.parquet", n)), schema, n)
			}
		})
	}
	for n := range files {
		next <- n
	}
	close(next)
	work.Wait()
	for n := range files {
		if errs[n] != nil {
			t.Fatal(errs[n])
		}
		bytes += made[n]
	}
	return bytes
}

func tableFile(path string, s *arrowio.Schema, n int) (bytes int64, err error) {
	out, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	w, err := file.NewParquetWriter(out, s, file.WriteOptions{})
	if err != nil {
		return 0, err
	}
	for row := n * 1e6; bytes < fileBytes; {
		b := arrowio.NewBuilder(s)
		for range 8192 {
			tableRow(b, row)
			row++
		}
		batch := b.Batch()
		bytes += batch.Bytes()
		if err := w.Write(batch); err != nil {
			return 0, err
		}
	}
	return bytes, w.Close()
}

// tableRow has values that compress as real ones do: about by half.
func tableRow(b *arrowio.Builder, n int) {
	x := uint64(n)*0x9E3779B97F4A7C15 ^ uint64(n)<<31
	x ^= x >> 29
	b.Column(0).Int64(int64(n))
	b.Column(1).Int64(1_700_000_000_000_000 + int64(n)*1000 + int64(x%1000))
	b.Column(2).String("user-" + strconv.Itoa(int(x%100000)))
	b.Column(3).String(countries[x%uint64(len(countries))])
	amount := int64(x % 100000)
	if n%1009 == 3 {
		amount = -1
	}
	b.Column(4).Int64(amount)
	b.Column(5).Float64(float64(x%1000003) / 1000)
	b.Column(6).Int64(int64(x % 50))
	b.Column(7).Bool(x%3 == 0)
	b.Column(8).String(strconv.FormatUint(x*0xBF58476D1CE4E5B9, 16))
	b.Column(9).String(text(n))
}
