package arrowio

import (
	"fmt"
	"strconv"
	"strings"
)

// aliases are names that people write, beside those that String prints.
var aliases = map[string]Kind{
	"boolean": Bool, "float16": Float16, "half_float": Float16, "float32": Float32, "float64": Float64, "utf8": String, "large_utf8": LargeString,
	"date32": Date32, "date64": Date64, "date": Date32, "int": Int64, "bytes": Binary,
}

// maxTypeDepth bounds the recursion over a type's text.
const maxTypeDepth = 64

// ParseType reads what Type.String prints, and the common other names (float64, utf8, date32, timestamp for timestamp[us]). An error says where
// in the text it ended.
func ParseType(s string) (Type, error) {
	p := &typeParser{text: s}
	t := p.typ()
	if p.skip(); p.err == nil && p.pos < len(s) {
		p.fail("nothing more")
	}
	if p.err != nil {
		return Type{}, p.err
	}
	return t, nil
}

type typeParser struct {
	text  string
	pos   int
	depth int
	err   error
}

func (p *typeParser) fail(want string) {
	if p.err == nil {
		p.err = fmt.Errorf("type %q: want %s at byte %d; write it as Arrow does, such as int64, timestamp[us, tz=UTC] or list<item: string>", p.text, want, p.pos)
	}
}

func (p *typeParser) skip() {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
}

// take consumes a token where it comes next.
func (p *typeParser) take(token string) bool {
	p.skip()
	if !strings.HasPrefix(p.text[p.pos:], token) {
		return false
	}
	p.pos += len(token)
	return true
}

func (p *typeParser) need(token string) {
	if p.err == nil && !p.take(token) {
		p.fail(strconv.Quote(token))
	}
}

// until consumes up to one of the stops, which stay.
func (p *typeParser) until(stops string) string {
	p.skip()
	n := strings.IndexAny(p.text[p.pos:], stops)
	if n < 0 {
		n = len(p.text) - p.pos
	}
	s := p.text[p.pos : p.pos+n]
	p.pos += n
	return strings.TrimSpace(s)
}

func (p *typeParser) number() int {
	s := p.until(",)]> ")
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		p.fail("a number")
	}
	return int(n)
}

func (p *typeParser) unit() Unit {
	s := p.until(",]")
	for u, name := range units {
		if s == name {
			return Unit(u)
		}
	}
	p.fail("a unit: s, ms, us or ns")
	return 0
}

func (p *typeParser) word() string {
	p.skip()
	from := p.pos
	for p.pos < len(p.text) && (p.text[p.pos] == '_' || p.text[p.pos] >= 'a' && p.text[p.pos] <= 'z' || p.text[p.pos] >= '0' && p.text[p.pos] <= '9') {
		p.pos++
	}
	return p.text[from:p.pos]
}

func (p *typeParser) typ() Type {
	if p.depth++; p.depth > maxTypeDepth {
		p.fail("fewer levels")
	}
	defer func() { p.depth-- }()
	if p.err != nil {
		return Type{}
	}
	from := p.pos
	w := p.word()
	if t, ok := p.flat(w); ok {
		return t
	}
	if t, ok := p.nest(w); ok {
		return t
	}
	p.pos = from
	p.fail("the name of a type")
	return Type{}
}

func (p *typeParser) flat(w string) (Type, bool) {
	if k, ok := aliases[w]; ok {
		p.take("[day]")
		p.take("[ms]")
		return Type{Kind: k}, true
	}
	for k, n := range names {
		if n == w && k != Other {
			return Type{Kind: k}, true
		}
	}
	for width, n := range intervals {
		if n == w {
			return Type{Kind: Interval, Width: width}, true
		}
	}
	return p.parametric(w)
}

func (p *typeParser) parametric(w string) (Type, bool) {
	switch w {
	case "timestamp":
		return p.timestamp(), true
	case "time32":
		return p.clock(Time32, Second, Milli), true
	case "time64":
		return p.clock(Time64, Micro, Nano), true
	case "duration":
		return p.clock(Duration, Second, Nano), true
	case "decimal128", "decimal":
		return p.decimal(Decimal128, 38), true
	case "decimal256":
		return p.decimal(Decimal256, 76), true
	case "fixed_size_binary":
		p.need("[")
		t := Type{Kind: FixedBinary, Width: p.number()}
		p.need("]")
		if t.Width < 0 {
			p.fail("a width that is not negative")
		}
		return t, true
	}
	return Type{}, false
}

func (p *typeParser) timestamp() Type {
	t := Type{Kind: Timestamp, Unit: Micro}
	if !p.take("[") {
		return t
	}
	t.Unit = p.unit()
	if p.take(",") {
		p.need("tz=")
		if t.Zone = p.until("]"); t.Zone == "" {
			p.fail("a time zone")
		}
	}
	p.need("]")
	return t
}

func (p *typeParser) clock(k Kind, from, to Unit) Type {
	p.need("[")
	t := Type{Kind: k, Unit: p.unit()}
	p.need("]")
	if t.Unit < from || t.Unit > to {
		p.fail("a unit from " + from.String() + " to " + to.String())
	}
	return t
}

func (p *typeParser) decimal(k Kind, most int32) Type {
	p.need("(")
	t := Type{Kind: k, Precision: int32(p.number())}
	if p.take(",") {
		t.Scale = int32(p.number())
	}
	p.need(")")
	if t.Precision < 1 || t.Precision > most {
		p.fail(fmt.Sprintf("a precision from 1 to %d", most))
	}
	return t
}
