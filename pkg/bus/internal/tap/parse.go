package tap

import "bytes"

// message is the line before a message: MSG subject sid [reply] size, HMSG subject sid [reply] header size. The slices
// are parts of the line.
type message struct {
	subject, sid, reply []byte
	header, size        int // bytes; size counts the header
}

// parse reads a line with its end. It reports false where the line is none that a server sends.
func parse(line []byte) (m message, ok bool) {
	var fields [6][]byte
	n := 0
	for rest := bytes.TrimRight(line, "\r\n"); len(rest) > 0; {
		field, after, _ := bytes.Cut(rest, []byte{' '})
		if len(field) > 0 {
			if n == len(fields) {
				return m, false
			}
			fields[n] = field
			n++
		}
		rest = after
	}
	headers := 0
	switch {
	case n > 0 && string(fields[0]) == "HMSG":
		headers = 1
	case n == 0 || string(fields[0]) != "MSG":
		return m, false
	}
	if n != 4+headers && n != 5+headers {
		return m, false
	}
	m.subject, m.sid = fields[1], fields[2]
	if n == 5+headers {
		m.reply = fields[3]
	}
	if m.size, ok = number(fields[n-1]); !ok {
		return m, false
	}
	if headers == 1 {
		m.header, ok = number(fields[n-2])
	}
	return m, ok && m.header <= m.size
}

// number reads up to nine digits.
func number(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, len(b) > 0 && len(b) < 10
}
