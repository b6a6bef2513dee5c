package obs

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
)

// textHandler writes records for people: the time of day, the level where it is above info, the message, and then the
// attributes as slog's own text handler spells them. Safe for concurrent use; one Write to w per record.
type textHandler struct {
	shared *textSink
	inner  slog.Handler // spells attributes into shared.buf
}

type textSink struct {
	sync.Mutex
	w   io.Writer
	buf bytes.Buffer
}

func newTextHandler(w io.Writer, level slog.Leveler) textHandler {
	sink := &textSink{w: w}
	attributes := slog.NewTextHandler(&sink.buf, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutHead})
	return textHandler{shared: sink, inner: attributes}
}

// withoutHead drops what the line has already said, and attributes with nothing in them.
func withoutHead(groups []string, a slog.Attr) slog.Attr {
	head := len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey)
	if head || a.Value.Kind() == slog.KindString && a.Value.String() == "" {
		return slog.Attr{}
	}
	return a
}

func (h textHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

func (h textHandler) Handle(ctx context.Context, r slog.Record) error {
	h.shared.Lock()
	defer h.shared.Unlock()
	buf := &h.shared.buf
	buf.Reset()
	buf.WriteString(r.Time.Format("15:04:05.000 "))
	if r.Level != slog.LevelInfo {
		buf.WriteString(r.Level.String() + " ")
	}
	buf.WriteString(r.Message + " ")
	if err := h.inner.Handle(ctx, r); err != nil {
		return err
	}
	_, err := h.shared.w.Write(append(bytes.TrimRight(buf.Bytes(), " \n"), '\n'))
	return err
}

func (h textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return textHandler{h.shared, h.inner.WithAttrs(attrs)}
}

func (h textHandler) WithGroup(name string) slog.Handler {
	return textHandler{h.shared, h.inner.WithGroup(name)}
}

// isTerminal says whether a person may be reading w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
