package files

import (
	"context"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// Format knows what stands in files of a kind. It may be used by several goroutines at once.
type Format interface {
	// Takes says whether a file of a directory is one of these, by its name in lower case, without an ending that only says how it is packed.
	Takes(name string) bool
	// Fields is what records have, for the columns whose types are not given. Notes are for people.
	Fields(ctx context.Context, t Tree, in []Input) (fields []arrowio.Field, notes []string, err error)
	// Units cuts a file into what can be read alone, in order, about size bytes each. What of the file does not fit the layout at all is an error here.
	Units(ctx context.Context, in Input, f File, l *table.Layout, size int64) ([]Unit, error)
	// Open reads a unit, of which sink has the layout, from a place on.
	Open(ctx context.Context, f File, u Unit, at Place, sink *table.Sink) (Reader, error)
}

// Input is a file that is read.
type Input struct {
	Entry
	Implicit map[string]*string // what every record of it has beside its own: text, nil a null
}

// Unit is a piece of a file.
type Unit struct {
	File     string             `json:"file"`
	Size     int64              `json:"size"` // of the file
	Modified string             `json:"modified,omitempty"`
	Version  string             `json:"version,omitempty"` // digest or version of the content
	From     int64              `json:"from,omitempty"`    // bytes
	To       int64              `json:"to,omitempty"`      // 0: the end
	Line     int64              `json:"line,omitempty"`    // number of the line before From
	Groups   []int              `json:"groups,omitempty"`  // row groups or batches of a file that has those
	Row      int64              `json:"row,omitempty"`     // rows of the file before them
	Implicit map[string]*string `json:"implicit,omitempty"`
	Bytes    int64              `json:"bytes,omitempty"` // about what reading it costs
	Rows     int64              `json:"rows,omitempty"`  // 0: unknown
}

// Place is where in a unit reading goes on; the zero Place is its beginning.
type Place struct {
	Offset int64 `json:"offset,omitempty"` // bytes of the unpacked file
	Line   int64 `json:"line,omitempty"`   // lines, or records, before it
	Row    int64 `json:"row,omitempty"`    // rows of the unit before it, where the format counts rows
}

// Reader reads a unit. It is used by one goroutine.
type Reader interface {
	// Fill gives the sink records until it is full, and io.EOF when the unit is done.
	Fill(ctx context.Context, s *table.Sink) error
	// Place is where the records begin that Fill has not given yet.
	Place() Place
	// Close frees what is held; the file stays open.
	Close() error
}

// packings are the endings that say how a file is packed.
var packings = []string{".gz", ".zst", ".zstd", ".bz2"}

// Unpacking is a name in lower case, without the ending of its packing.
func Unpacking(name string) string {
	name = strings.ToLower(name)
	for _, p := range packings {
		if s, ok := strings.CutSuffix(name, p); ok {
			return s
		}
	}
	return name
}

// Ending says whether a name has one of the endings.
func Ending(name string, endings ...string) bool {
	for _, e := range endings {
		if strings.HasSuffix(name, e) {
			return true
		}
	}
	return false
}
