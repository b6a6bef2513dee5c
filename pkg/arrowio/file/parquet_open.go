package file

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/leathq/leat/pkg/arrowio"
)

// checkEnds looks for the marks at both ends, whose lack has one cause more often than any other.
func checkEnds(r io.ReaderAt, size int64) error {
	if size == 0 {
		return &arrowio.MalformedError{What: "the file is empty: not even a Parquet footer is there"}
	}
	head, tail := make([]byte, 4), make([]byte, 4)
	if size >= 12 {
		if _, err := r.ReadAt(head, 0); err != nil {
			return err
		}
		if _, err := r.ReadAt(tail, size-4); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	switch {
	case string(tail) == "PARE" || string(head) == "PARE":
		return &arrowio.MalformedError{What: "it is encrypted, which is not read here; decrypt it first"}
	case string(head) != "PAR1":
		return &arrowio.MalformedError{What: "it is not a Parquet file: it does not begin with PAR1"}
	case string(tail) != "PAR1":
		return &arrowio.MalformedError{What: fmt.Sprintf("it does not end as a Parquet file does: it is cut off at %d bytes, or still being written; fetch it again", size)}
	}
	return nil
}

// note reads the note on the Arrow schema and, where it speaks of durations, has it speak of numbers to the library.
func (f *ParquetReader) note(kv metadata.KeyValueMetadata) (*arrowio.Schema, error) {
	note, err := readNote(kv.FindValue(noteKey), f.options.Limits)
	if note == nil || err != nil {
		return nil, err
	}
	fields, any := numbers(note.Fields)
	if !any {
		return note, nil
	}
	text, err := writeNote(&arrowio.Schema{Fields: fields, Metadata: note.Metadata})
	if err != nil {
		return nil, err
	}
	for _, pair := range kv {
		if pair.Key == noteKey {
			pair.Value = &text
		}
	}
	return note, nil
}

// broken is an error of the library over what a file has.
func broken(err error) error {
	var limit *arrowio.LimitError
	var bad *arrowio.MalformedError
	if errors.As(err, &limit) || errors.As(err, &bad) {
		return err
	}
	if errors.Is(err, arrow.ErrNotImplemented) {
		return &arrowio.MalformedError{What: "it has what is not read here: " + err.Error() + "; cast the column to a plain type where the data comes from"}
	}
	return &arrowio.MalformedError{What: "the file is damaged or cut off: " + err.Error()}
}

// describe checks what the footer says and picks the columns and row groups.
func (f *ParquetReader) describe() error {
	md := f.file.MetaData()
	if n := md.Schema.NumColumns(); f.options.Limits.MaxColumns > 0 && n > f.options.Limits.MaxColumns {
		return &arrowio.LimitError{What: "columns of the file", Is: int64(n), Limit: int64(f.options.Limits.MaxColumns)}
	}
	note, err := f.note(md.KeyValueMetadata())
	if err != nil {
		return err
	}
	if f.arrow, err = pqarrow.NewFileReader(f.file, pqarrow.ArrowReadProperties{}, f.memory); err != nil {
		return broken(err)
	}
	as, err := f.arrow.Schema()
	if err != nil {
		return broken(err)
	}
	whole, err := arrowio.SchemaOf(as)
	if err != nil {
		return &arrowio.MalformedError{What: err.Error()}
	}
	if note != nil {
		whole.Fields = durations(whole.Fields, note.Fields)
	}
	if name, ok := whole.Duplicate(); ok && !f.options.Limits.AllowDuplicates {
		return &arrowio.MalformedError{What: fmt.Sprintf("two columns are named %q; rename one where the data comes from, or allow duplicates", name)}
	}
	if err := checkDepth(whole.Fields, f.options.Limits.MaxDepth, 1); err != nil {
		return err
	}
	if err := f.pick(whole); err != nil {
		return err
	}
	return f.pickGroups()
}

func checkDepth(fs []arrowio.Field, most, depth int) error {
	if len(fs) > 0 && most > 0 && depth > most {
		return &arrowio.LimitError{What: "depth of the schema", Is: int64(depth), Limit: int64(most)}
	}
	for _, f := range fs {
		if err := checkDepth(f.Type.Elem, most, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (f *ParquetReader) pick(whole *arrowio.Schema) error {
	picked, err := f.options.selected(whole)
	if err != nil {
		return err
	}
	f.schema, f.fields = whole, picked
	if picked == nil {
		for i := range whole.Fields {
			f.fields = append(f.fields, i)
		}
	} else {
		f.schema = &arrowio.Schema{Metadata: whole.Metadata}
		for _, i := range picked {
			f.schema.Fields = append(f.schema.Fields, whole.Fields[i])
		}
	}
	f.leaves = map[int]bool{}
	for _, i := range f.fields {
		leaves(&f.arrow.Manifest.Fields[i], f.leaves)
	}
	return nil
}

func leaves(f *pqarrow.SchemaField, out map[int]bool) {
	if f.IsLeaf() {
		out[f.ColIndex] = true
	}
	for i := range f.Children {
		leaves(&f.Children[i], out)
	}
}

func (f *ParquetReader) pickGroups() error {
	n := f.file.NumRowGroups()
	f.groups = f.options.RowGroups
	if f.groups == nil {
		for i := range n {
			f.groups = append(f.groups, i)
		}
	}
	for _, i := range f.groups {
		if i < 0 || i >= n {
			return fmt.Errorf("there is no row group %d of %d", i, n)
		}
		if rows := f.file.MetaData().RowGroup(i).NumRows(); rows < 0 {
			return &arrowio.MalformedError{What: fmt.Sprintf("row group %d says it has %d rows", i, rows)}
		}
	}
	return nil
}
