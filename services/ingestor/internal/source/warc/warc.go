// Package warc reads web archives: WARC, and the WET files that have its texts. It follows ISO 28500 as far as archives in use do.
package warc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/page"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// Options is `type: warc`.
type Options struct {
	Records       []string `yaml:"records"` // WARC-Types that are rows, the others are passed over; default response, resource and conversion
	Media         []string `yaml:"media"`   // media types that are rows, the others are passed over; default text/html, application/xhtml+xml and text/plain; "*" takes all
	Content       string   `yaml:"content"` // of HTML: main (default) or all of its text; or raw: the payload as it is, in the column body
	files.Options `yaml:",inline"`
}

const raw = "raw"

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
	if len(o.Records) == 0 {
		o.Records = []string{"response", "resource", "conversion"}
	}
	if len(o.Media) == 0 {
		o.Media = []string{"text/html", "application/xhtml+xml", "text/plain"}
	}
	for _, r := range o.Records {
		if err := table.Word("records", &r, "response", "resource", "conversion", "request", "metadata", "warcinfo", "revisit", "continuation"); err != nil {
			return nil, err
		}
	}
	if err := table.Word("content", &o.Content, page.Main, page.All, raw); err != nil {
		return nil, err
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	return &Format{*o}, nil
}

// Format is that of web archives. It implements files.Format.
type Format struct{ Options }

var _ files.Format = (*Format)(nil)

// Takes implements files.Format.
func (f *Format) Takes(name string) bool { return files.Ending(name, ".warc", ".wet") }

// The columns, in order; the last is the content.
const (
	id = iota
	kind
	address
	date
	status
	media
	title
	language
	content
	columns
)

func (f *Format) names() []string {
	n := []string{"id", "type", "url", "date", "status", "media_type", "title", "language", "text"}
	if f.Content == raw {
		n[content] = "body"
	}
	return n
}

// Fields implements files.Format.
func (f *Format) Fields(context.Context, files.Tree, []files.Input) ([]arrowio.Field, []string, error) {
	out := make([]arrowio.Field, columns)
	for i, n := range f.names() {
		out[i] = arrowio.Field{Name: n, Type: arrowio.Type{Kind: arrowio.String}, Nullable: i != id && i != kind}
	}
	out[date].Type = arrowio.Type{Kind: arrowio.Timestamp, Unit: arrowio.Micro, Zone: "UTC"}
	out[status].Type = arrowio.Type{Kind: arrowio.Int64}
	if f.Content == raw {
		out[content].Type = arrowio.Type{Kind: arrowio.Binary}
	}
	return out, nil, nil
}

// Units implements files.Format.
func (f *Format) Units(_ context.Context, in files.Input, _ files.File, l *table.Layout, _ int64) ([]files.Unit, error) {
	_, err := f.flat(l)
	return []files.Unit{{Bytes: in.Size}}, err
}

func (f *Format) flat(l *table.Layout) (*table.Flat, error) {
	flat, err := table.NewFlat(l, f.names())
	if err != nil {
		return nil, err
	}
	if m := flat.Missing(l); len(m) > 0 {
		return nil, source.Errorf(source.Invalid, "source: `type: warc` has no column %q%s; it has %s", m[0], source.Suggest(m[0], f.names()), strings.Join(f.names(), ", "))
	}
	return flat, nil
}

// Open implements files.Format.
func (f *Format) Open(_ context.Context, o files.File, u files.Unit, at files.Place, s *table.Sink) (files.Reader, error) {
	flat, err := f.flat(s.Layout())
	if err != nil {
		return nil, err
	}
	in, err := files.Unpack(o, u.File, at.Offset, 0)
	if err != nil {
		return nil, err
	}
	return &reader{Closer: in, scanner: newScanner(in, u.File, at.Offset, s.Limits().Record), format: f, flat: flat, number: at.Line, offset: at.Offset}, nil
}

type reader struct {
	io.Closer
	scanner *scanner
	format  *Format
	flat    *table.Flat
	number  int64
	offset  int64 // where the record begins that comes next
}

// Place implements files.Reader.
func (r *reader) Place() files.Place { return files.Place{Offset: r.offset, Line: r.number} }

// Fill implements files.Reader.
func (r *reader) Fill(ctx context.Context, s *table.Sink) error {
	for !s.Full() {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, err := r.scanner.next()
		var b *broken
		if err != nil && !errors.As(err, &b) {
			return err
		}
		r.number, r.offset = r.number+1, r.scanner.offset
		if b != nil {
			s.Reject(r.number, b.reason, b.raw)
			continue
		}
		if slices.Contains(r.format.Records, rec.headers["warc-type"]) {
			r.take(s, rec)
		}
	}
	return nil
}

// take makes a row of a record, refuses it, or passes it over where its media type is not asked for.
func (r *reader) take(s *table.Sink, rec *record) {
	if rec.long {
		s.Reject(r.number, fmt.Sprintf("the record is longer than %d bytes (`max_record_bytes`)", s.Limits().Record), rec.block)
		return
	}
	p, err := payloadOf(rec, s.Limits().Record)
	if err != nil {
		s.Reject(r.number, err.Error(), rec.block)
		return
	}
	if !slices.Contains(r.format.Media, p.media) && !slices.Contains(r.format.Media, "*") {
		return
	}
	values, err := r.format.values(rec, p)
	if err == nil {
		err = r.flat.Put(s, values, false)
	}
	if err == nil {
		err = s.Done(len(rec.block))
	}
	if err != nil {
		s.Reject(r.number, err.Error(), rec.block)
	}
}

func (f *Format) values(rec *record, p payload) ([][]byte, error) {
	v := make([][]byte, columns)
	for i, h := range map[int]string{id: "warc-record-id", kind: "warc-type", address: "warc-target-uri", date: "warc-date"} {
		v[i] = optional(strings.Trim(rec.headers[h], "<>"))
	}
	v[status], v[media] = optional(p.status), optional(p.media)
	if tags := rec.headers["warc-identified-content-language"]; tags != "" {
		v[language] = []byte(tags)
	}
	if f.Content == raw {
		v[content] = p.body
		return v, nil
	}
	if p.media != "text/html" && p.media != "application/xhtml+xml" {
		v[content] = p.body
		return v, nil
	}
	pg, err := page.Read(p.body, p.contentType, rec.headers["warc-target-uri"], f.Content)
	if err != nil {
		return nil, err
	}
	v[title], v[content] = optional(pg.Title), []byte(pg.Text)
	if v[language] == nil {
		v[language] = optional(pg.Language)
	}
	return v, nil
}

func optional(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}
