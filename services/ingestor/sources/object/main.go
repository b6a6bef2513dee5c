// Command leat-source-object reads files of any format that Leat reads from an object store: S3 and what speaks its protocol, Google's, Azure's, or a
// directory that is looked at as one.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/fileblob"  // file://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/formats"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

func main() { sdk.Main("leat-source-object", "1", open) }

// kinds are the words after `format:`: all that sources of files have. The rest of the configuration is that of the source of this type.
func kinds() *source.Registry {
	r := source.NewRegistry()
	formats.Register(r)
	return r
}

// objects is a source of files whose tree is a bucket.
type objects struct {
	bucket string
	files  *files.Source
}

func open(raw json.RawMessage) (sdk.Source, error) {
	var c map[string]any
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("the configuration is no object of settings: %w", err)
	}
	bucket, _ := c["bucket"].(string)
	format, _ := c["format"].(string)
	at, err := url.Parse(bucket)
	if err != nil || !strings.Contains(bucket, "://") || !blob.DefaultURLMux().ValidBucketScheme(at.Scheme) {
		return nil, errors.New("bucket: must be a URL such as s3://name?region=eu-west-1, gs://name, azblob://name or file:///folder")
	}
	if err := bounded(at, format); err != nil {
		return nil, err
	}
	if format == "" {
		return nil, fmt.Errorf("format: must be one of %s", strings.Join(kinds().Kinds(), ", "))
	}
	delete(c, "bucket")
	delete(c, "format")
	c["type"] = format
	spec, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	s, err := kinds().Make(spec, source.Deps{Getenv: os.Getenv, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, said(err)
	}
	f, ok := s.(*files.Source)
	if !ok {
		return nil, fmt.Errorf("format: %s cannot be read from a bucket", format)
	}
	return &objects{bucket, f}, nil
}

// bounded refuses what would read files of the ingestor's machine, where it bounds which may be read.
func bounded(bucket *url.URL, format string) error {
	switch {
	case !sdk.Bounded():
		return nil
	case bucket.Scheme == "file": // url.Parse puts it into lower case
		return sdk.Fail(source.Denied, "bucket: folders of the ingestor's machine are not read as buckets where ingestor.paths bounds what may be read; say `type: %s` and `path`", format)
	case bucket.Query().Has("private_key_path"):
		return sdk.Fail(source.Denied, "bucket: private_key_path names a file of the ingestor's machine, and reading takes none; leave it out")
	}
	return nil
}

func (o *objects) connect(ctx context.Context) (*blob.Bucket, error) {
	b, err := blob.OpenBucket(ctx, o.bucket)
	if err != nil {
		return nil, sdk.Fail("bad_config", "bucket: %v", err)
	}
	o.files.Tree = &tree{ctx: ctx, bucket: b}
	return b, nil
}

// Plan lists the bucket.
func (o *objects) Plan(ctx context.Context, since json.RawMessage) (*sdk.Plan, error) {
	b, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = b.Close() }()
	p, err := o.files.Plan(ctx, since)
	if err != nil {
		return nil, said(err)
	}
	out := &sdk.Plan{Schema: p.Schema, Seen: p.Seen, Notes: p.Notes}
	if p.Next != nil {
		out.Watermark = p.Next
	}
	for _, part := range p.Parts {
		out.Parts = append(out.Parts, sdk.Part{ID: part.ID, Name: part.Name, Rows: part.Rows, Bytes: part.Bytes, Spec: part.Spec})
	}
	return out, nil
}

// Read streams a partition.
func (o *objects) Read(ctx context.Context, part, cursor json.RawMessage, w *sdk.Writer) error {
	b, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	st, err := o.files.Open(ctx, source.Part{Spec: part}, cursor)
	if err != nil {
		return said(err)
	}
	defer func() { _ = st.Close() }()
	for {
		c, err := st.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return said(err)
		}
		for _, r := range c.Rejects {
			if err := w.Reject(r.File, r.Line, r.Reason, r.Raw); err != nil {
				return err
			}
		}
		if err := w.Batch(c.Batch, c.After); err != nil {
			return err
		}
	}
}

// said keeps what no other try mends apart from what may pass.
func said(err error) error {
	if code := source.CodeOf(err); code != "" {
		return &sdk.Error{Code: code, Message: err.Error()}
	}
	return err
}
