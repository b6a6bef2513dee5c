package file_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	pqfile "github.com/apache/arrow-go/v18/parquet/file"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
)

// A column of values that are all different is written without a dictionary of them, which would be built for nothing; one of few values has one.
func TestOnlyColumnsThatRepeatHaveADictionary(t *testing.T) {
	var ids, few []int64
	var names, countries []string
	for i := range 20000 {
		ids, few = append(ids, int64(i)*7919), append(few, int64(i%50))
		names, countries = append(names, fmt.Sprint("name ", i)), append(countries, []string{"DE", "FR", "JP"}[i%3])
	}
	data := write(t, file.WriteOptions{}, arrowio.BatchOf(arrowio.Of("id", ids), arrowio.Of("few", few), arrowio.Of("name", names), arrowio.Of("country", countries)))
	r, err := pqfile.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i, want := range []bool{false, true, false, true} {
		c, err := r.MetaData().RowGroup(0).ColumnChunk(i)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(c.Encodings(), parquet.Encodings.RLEDict); got != want {
			t.Errorf("column %d has a dictionary: %v, want %v (%v)", i, got, want, c.Encodings())
		}
	}
}
