// Package document reads files that are texts: a file, a line or a paragraph is a row. HTML is one page a file, of which the text is taken.
package document

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/page"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// Options is `type: text` and `type: html`.
type Options struct {
	Each          string `yaml:"each"`    // text: what is a row: file (default), line (blank ones are none), or paragraph, which blank lines end
	Content       string `yaml:"content"` // html: what of a page is its text: main (default) or all
	files.Options `yaml:",inline"`
}

// What is a row.
const (
	file      = "file"
	line      = "line"
	paragraph = "paragraph"
)

// New is a source.Maker.
func New(spec []byte, d source.Deps) (source.Source, error) {
	var o Options
	if err := source.Decode(spec, &o); err != nil {
		return nil, err
	}
	f, err := NewFormat(&o)
	if err != nil {
		return nil, err
	}
	return &files.Source{Tree: files.On(d), Format: f, Options: o.Options}, nil
}

// NewFormat checks the options and gives the format that they describe.
func NewFormat(o *Options) (*Format, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	html := o.Type == "html"
	switch {
	case html && o.Each != "":
		return nil, source.Errorf(source.Invalid, "source: `each` is for `type: text`; a page of HTML is one row")
	case !html && o.Content != "":
		return nil, source.Errorf(source.Invalid, "source: `content` is for `type: html`")
	}
	if err := table.Word("each", &o.Each, file, line, paragraph); err != nil {
		return nil, err
	}
	if err := table.Word("content", &o.Content, page.Main, page.All); err != nil {
		return nil, err
	}
	return &Format{Options: *o, html: html}, nil
}

// Format is that of texts and pages. It implements files.Format.
type Format struct {
	Options
	html bool
}

var _ files.Format = (*Format)(nil)

// Takes implements files.Format. Files without an ending are texts, as Unix has it.
func (f *Format) Takes(name string) bool {
	if f.html {
		return files.Ending(name, ".html", ".htm", ".xhtml")
	}
	base := name[strings.LastIndexByte(name, '/')+1:]
	return files.Ending(name, ".txt", ".text", ".md", ".rst", ".adoc", ".tex") || !strings.Contains(base, ".")
}

// names are what a row has, in order.
func (f *Format) names() []string {
	switch {
	case f.html:
		return []string{"path", "url", "title", "language", "text"}
	case f.Each == file:
		return []string{"path", "text"}
	}
	return []string{"path", "line", "text"}
}

// Fields implements files.Format.
func (f *Format) Fields(context.Context, files.Tree, []files.Input) ([]arrowio.Field, []string, error) {
	var out []arrowio.Field
	for _, n := range f.names() {
		field := arrowio.Field{Name: n, Type: arrowio.Type{Kind: arrowio.String}, Nullable: n != "path" && n != "text"}
		if n == "line" {
			field = arrowio.Field{Name: n, Type: arrowio.Type{Kind: arrowio.Int64}}
		}
		out = append(out, field)
	}
	return out, nil, nil
}

// Units implements files.Format. A file of lines may be read from any line on.
func (f *Format) Units(ctx context.Context, in files.Input, o files.File, l *table.Layout, size int64) ([]files.Unit, error) {
	if _, err := f.flat(l); err != nil {
		return nil, err
	}
	if f.Each == line && !f.html {
		return files.ByLines(ctx, in, o, size)
	}
	return []files.Unit{{Bytes: in.Size}}, nil
}

func (f *Format) flat(l *table.Layout) (*table.Flat, error) {
	flat, err := table.NewFlat(l, f.names())
	if err != nil {
		return nil, err
	}
	if m := flat.Missing(l); len(m) > 0 {
		return nil, source.Errorf(source.Invalid, "source: `type: %s` has no column %q%s; it has %s", f.Type, m[0], source.Suggest(m[0], f.names()), strings.Join(f.names(), ", "))
	}
	return flat, nil
}

// Open implements files.Format.
func (f *Format) Open(_ context.Context, o files.File, u files.Unit, at files.Place, s *table.Sink) (files.Reader, error) {
	flat, err := f.flat(s.Layout())
	if err != nil {
		return nil, err
	}
	r := rows{format: f, flat: flat, name: u.File}
	if !f.html && f.Each != file {
		l, err := files.OpenLines(o, u, at, s.Limits().Record)
		if err != nil {
			return nil, err
		}
		return &lined{rows: r, Lines: l, place: l.Place()}, nil
	}
	in, err := files.Unpack(o, u.File, 0, 0)
	if err != nil {
		return nil, err
	}
	return &whole{rows: r, in: in, done: at.Line > 0}, nil
}

// rows puts texts into columns.
type rows struct {
	format *Format
	flat   *table.Flat
	name   string
}

// put makes a row, or refuses it.
func (r *rows) put(s *table.Sink, number int64, raw []byte, values ...[]byte) {
	err := r.flat.Put(s, values, false)
	if err == nil {
		err = s.Done(len(raw))
	}
	if err != nil {
		s.Reject(number, err.Error(), raw)
	}
}

// whole reads a file that is one row.
type whole struct {
	rows
	in   io.ReadCloser
	done bool
}

// Place implements files.Reader.
func (w *whole) Place() files.Place {
	if w.done {
		return files.Place{Line: 1}
	}
	return files.Place{}
}

// Close implements files.Reader.
func (w *whole) Close() error { return w.in.Close() }

// Fill implements files.Reader.
func (w *whole) Fill(_ context.Context, s *table.Sink) error {
	if w.done {
		return io.EOF
	}
	most := s.Limits().Record
	raw, err := io.ReadAll(io.LimitReader(w.in, most+1))
	if err != nil {
		return err
	}
	text, err := files.Begin(raw, w.name)
	if err != nil {
		return err
	}
	w.done = true
	switch {
	case int64(len(raw)) > most:
		s.Reject(1, fmt.Sprintf("the file is longer than %d bytes (`max_record_bytes`)", most), raw)
	case w.format.html:
		w.page(s, text)
	case bytes.IndexByte(text, 0) >= 0:
		s.Reject(1, "the file holds a NUL byte; is this a text file?", raw)
	default:
		w.put(s, 1, raw, []byte(w.name), text)
	}
	return io.EOF
}

func (w *whole) page(s *table.Sink, raw []byte) {
	p, err := page.Read(raw, "", "", w.format.Content)
	if err != nil {
		s.Reject(1, err.Error(), raw)
		return
	}
	w.put(s, 1, raw, []byte(w.name), optional(p.URL), optional(p.Title), optional(p.Language), []byte(p.Text))
}

func optional(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}
