package files

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// known is what complete runs have read: the watermark of a source of files.
type known struct {
	Columns string                `json:"columns,omitempty"` // digest of the options that Layout came from
	Layout  *table.Layout         `json:"layout,omitempty"`  // pinned by the first run
	Files   map[string]fileRecord `json:"files"`
	Mark    json.RawMessage       `json:"mark,omitempty"` // the lister's
}

// fileRecord is a file as it was read.
type fileRecord struct {
	Version  string `json:"version"`
	Size     int64  `json:"size"`
	Modified string `json:"modified,omitempty"`
}

func readKnown(w source.Watermark) (*known, error) {
	k := &known{}
	if len(w) > 0 {
		if err := json.Unmarshal(w, k); err != nil {
			return nil, source.Errorf(source.Malformed, "the watermark is not one of files: %w; begin again with --full", err)
		}
	}
	if k.Files == nil {
		k.Files = map[string]fileRecord{}
	}
	return k, nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// fresh splits inputs into those that no run has read and the number of those that one has, with the digest of each new one as its Version. A file
// whose size and time are as they were is taken as unchanged; else its content decides.
func (k *known) fresh(ctx context.Context, t Tree, in []Input, reread bool) (news []Input, seen int, err error) {
	var changed []string
	for _, e := range in {
		old, ok := k.Files[e.Name]
		if ok && old.Size == e.Size && old.Modified == stamp(e.Modified) && (e.Version == "" || e.Version == old.Version) {
			seen++
			continue
		}
		if e.Version == "" {
			if e.Version, err = digest(ctx, t, e.Entry); err != nil {
				return nil, 0, err
			}
		}
		switch {
		case ok && old.Version == e.Version:
			seen++
			k.Files[e.Name] = fileRecord{e.Version, e.Size, stamp(e.Modified)}
			continue
		case ok && !reread:
			changed = append(changed, e.Name)
		}
		news = append(news, e)
	}
	if len(changed) > 0 {
		return nil, 0, source.Errorf(source.Changed, "%s since an earlier run read them; put new rows into new files, or say `on_changed: reread` to read these again from their beginning", these(changed))
	}
	return news, seen, nil
}

func these(names []string) string {
	const shown = 5
	if len(names) == 1 {
		return names[0] + " has changed"
	}
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more have changed", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ") + " have changed"
}

// next is the watermark when what is new has been read too.
func (k *known) next(news []Input) (source.Watermark, error) {
	out := *k
	out.Files = maps.Clone(k.Files)
	for _, e := range news {
		out.Files[e.Name] = fileRecord{e.Version, e.Size, stamp(e.Modified)}
	}
	return json.Marshal(out)
}

// digest is the xxh3-128 of a file's bytes as they lie there.
func digest(ctx context.Context, t Tree, e Entry) (string, error) {
	f, err := t.Open(ctx, e.Name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := xxh3.New128()
	buf := make([]byte, 1<<20)
	if _, err := io.CopyBuffer(h, &interruptible{ctx, io.NewSectionReader(f, 0, f.Size())}, buf); err != nil {
		return "", fmt.Errorf("read %s: %w", e.Name, err)
	}
	sum := h.Sum128().Bytes()
	return "xxh3:" + hex.EncodeToString(sum[:]), nil
}

// interruptible is a reader that ends with its context.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// unchanged is an error where a file is no longer what the plan saw.
func unchanged(u Unit, e Entry) error {
	if e.Size == u.Size && (u.Modified == "" || stamp(e.Modified) == u.Modified) {
		return nil
	}
	return source.Errorf(source.Changed, "%s was changed after the run was planned (then %d bytes of %s, now %d of %s); let whoever writes it finish, then start a new run",
		u.File, u.Size, u.Modified, e.Size, stamp(e.Modified))
}

func digestOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("files: " + err.Error()) // only our own structs
	}
	sum := xxh3.Hash128(raw).Bytes()
	return hex.EncodeToString(sum[:])
}
