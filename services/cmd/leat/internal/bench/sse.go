package bench

import (
	"bytes"
	"errors"
)

// maxEvent bounds one server-sent event; a longer one ends the stream as malformed.
const maxEvent = 4 << 20

var errEventTooLong = errors.New("a server-sent event is longer than 4 MiB")

// eventScanner cuts a byte stream into the data of server-sent events (WHATWG HTML, "Server-sent events"): LF, CRLF
// and CR end a line, several data lines are joined by LF, comments and other fields are dropped. Bytes may arrive cut
// anywhere; lines that lie whole in the input are not copied.
type eventScanner struct {
	line   []byte // the start of a line that is not complete yet
	data   []byte // data lines of the event so far
	any    bool   // a data line was seen in this event
	skipLF bool   // the last byte was a CR that ended a line
}

// push feeds bytes and calls each with the data of every event that they complete. The slice is valid during the call
// only. An error of each, or an event beyond maxEvent, stops the scan.
func (s *eventScanner) push(in []byte, each func(data []byte) error) error {
	for len(in) > 0 {
		if s.skipLF {
			s.skipLF = false
			if in[0] == '\n' {
				in = in[1:]
				continue
			}
		}
		end := lineEnd(in)
		if end < 0 {
			s.line = append(s.line, in...)
			return s.bounded()
		}
		s.skipLF = in[end] == '\r'
		line := in[:end]
		if len(s.line) > 0 {
			s.line = append(s.line, line...)
			line = s.line
		}
		if err := s.endLine(line, each); err != nil {
			return err
		}
		s.line = s.line[:0]
		in = in[end+1:]
	}
	return nil
}

// lineEnd is the index of the first CR or LF, or -1.
func lineEnd(in []byte) int {
	end := bytes.IndexByte(in, '\n')
	if end < 0 {
		return bytes.IndexByte(in, '\r')
	}
	if cr := bytes.IndexByte(in[:end], '\r'); cr >= 0 {
		return cr
	}
	return end
}

func (s *eventScanner) endLine(line []byte, each func([]byte) error) error {
	if len(line) == 0 {
		if !s.any {
			return nil
		}
		s.any = false
		err := each(s.data)
		s.data = s.data[:0]
		return err
	}
	value, found := bytes.CutPrefix(line, []byte("data"))
	if !found || (len(value) > 0 && value[0] != ':') {
		return nil
	}
	if len(value) > 0 {
		value = value[1:]
	}
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	if s.any {
		s.data = append(s.data, '\n')
	}
	s.any = true
	s.data = append(s.data, value...)
	return s.bounded()
}

func (s *eventScanner) bounded() error {
	if len(s.line)+len(s.data) > maxEvent {
		return errEventTooLong
	}
	return nil
}
