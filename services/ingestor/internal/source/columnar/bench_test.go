package columnar_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
)

// Reading through the plan's columns beside reading the file alone; bytes are those of the decoded columns.
func BenchmarkRead(b *testing.B) {
	whole := batch(0, 100000)
	content := parquet(b, 20000, whole)
	b.Run("source", func(b *testing.B) {
		s := open(b, "", map[string]string{"a.parquet": content})
		p, err := s.Plan(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(whole.Bytes())
		for b.Loop() {
			r, err := s.Open(b.Context(), p.Parts[0], nil)
			for err == nil {
				_, err = r.Next(b.Context())
			}
			if !errors.Is(err, io.EOF) {
				b.Fatal(err)
			}
		}
	})
	b.Run("file alone", func(b *testing.B) {
		b.SetBytes(whole.Bytes())
		for b.Loop() {
			r, err := file.OpenParquet(strings.NewReader(content), int64(len(content)), file.Options{Limits: arrowio.Limits{}})
			for err == nil {
				_, err = r.Next()
			}
			if !errors.Is(err, io.EOF) {
				b.Fatal(err)
			}
		}
	})
}
