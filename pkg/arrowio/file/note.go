package file

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/internal/wire"
)

// noteKey is where a Parquet file may carry the Arrow schema that it was written from, beside its own.
const noteKey = "ARROW:schema"

// readNote reads that schema before the library does, which takes its sizes on trust; nil where there is none.
func readNote(note *string, l arrowio.Limits) (*arrowio.Schema, error) {
	if note == nil {
		return nil, nil
	}
	s, err := decodeNote(*note, l)
	if err != nil {
		return nil, &arrowio.MalformedError{What: "its note " + noteKey + " cannot be read: " + err.Error()}
	}
	return s, nil
}

func decodeNote(note string, l arrowio.Limits) (*arrowio.Schema, error) {
	data, err := base64.StdEncoding.DecodeString(note)
	if err != nil {
		if data, err = base64.RawStdEncoding.DecodeString(note); err != nil {
			return nil, err
		}
	}
	m, err := wire.ReadMessage(data)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, &arrowio.MalformedError{What: "there is nothing in it"}
	}
	l.AllowDuplicates = true // told of the columns themselves
	s, err := m.Schema(l)
	if err != nil {
		return nil, err
	}
	return arrowio.SchemaOf(s.Arrow)
}

func writeNote(s *arrowio.Schema) (string, error) {
	var out bytes.Buffer
	if err := ipc.NewWriter(&out, ipc.WithSchema(arrowio.ArrowSchema(s))).Close(); err != nil {
		return "", fmt.Errorf("write the schema: %w", err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes()), nil
}

// Parquet has no durations: they are numbers, of which the note says what they are. The library knows them in neither direction, so it is told
// of numbers, and durations is what they really are.

// numbers is the fields with integers in place of durations; any says whether there were some.
func numbers(fs []arrowio.Field) (out []arrowio.Field, any bool) {
	out = append(out, fs...)
	for i := range out {
		t := &out[i].Type
		if t.Kind == arrowio.Duration {
			*t, any = arrowio.Type{Kind: arrowio.Int64}, true
			continue
		}
		elem, some := numbers(t.Elem)
		t.Elem, any = elem, any || some
	}
	return out, any
}

// durations is the fields with durations in place of integers, where the note says so.
func durations(fs, note []arrowio.Field) []arrowio.Field {
	if len(fs) != len(note) {
		return fs
	}
	out := append([]arrowio.Field{}, fs...)
	for i := range out {
		switch t, n := &out[i].Type, note[i].Type; {
		case t.Kind == arrowio.Int64 && n.Kind == arrowio.Duration:
			*t = n
		case t.Kind == n.Kind:
			t.Elem = durations(t.Elem, n.Elem)
		}
	}
	return out
}
