package wire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source/wire"
)

// Whatever a program writes: lines, garbage with its place, or the end.
func FuzzLines(f *testing.F) {
	f.Add([]byte("{\"type\":\"hello\",\"protocol\":1}\n{\"type\":\"done\"}\n"))
	f.Add([]byte("{\"type\":\"batch\",\"bytes\":-1}\nx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := wire.NewLines(bytes.NewReader(data))
		for n := 1; ; n++ {
			line, err := l.Next()
			var g *wire.GarbageError
			switch {
			case err == io.EOF:
				return
			case errors.As(err, &g):
				if g.Line != n || len(g.Text) > 80 {
					t.Fatalf("line %d: %+v", n, g)
				}
				return
			case err != nil:
				t.Fatal(err)
			case line.Type == "":
				t.Fatal("a line without a type")
			}
		}
	})
}
