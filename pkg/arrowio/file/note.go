package file

import (
	"encoding/base64"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/internal/wire"
)

// checkNote reads the Arrow schema that a Parquet file may carry beside its own, before the library does, which takes its sizes on trust.
func checkNote(note *string, l arrowio.Limits) error {
	if note == nil {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(*note)
	if err != nil {
		data, err = base64.RawStdEncoding.DecodeString(*note)
	}
	if err == nil {
		l.AllowDuplicates = true // told of the columns themselves
		var m *wire.Message
		if m, err = wire.ReadMessage(data); err == nil && m != nil {
			_, err = m.Schema(l)
		}
	}
	if err != nil {
		return &arrowio.MalformedError{What: "its note ARROW:schema cannot be read: " + err.Error()}
	}
	return nil
}
