package arrowio

import "strconv"

func (p *typeParser) nest(w string) (Type, bool) {
	switch w {
	case "list":
		return Type{Kind: List, Elem: p.elem()}, true
	case "large_list":
		return Type{Kind: LargeList, Elem: p.elem()}, true
	case "fixed_size_list":
		t := Type{Kind: FixedList, Elem: p.elem()}
		p.need("[")
		t.Width = p.number()
		p.need("]")
		if t.Width < 0 {
			p.fail("a width that is not negative")
		}
		return t, true
	case "struct":
		return Type{Kind: Struct, Elem: p.fields()}, true
	case "map":
		return p.mapping(), true
	case "dictionary":
		return p.dictionary(), true
	}
	return Type{}, false
}

// elem is a list's one element; "list<string>" names it item.
func (p *typeParser) elem() []Field {
	p.need("<")
	from, before := p.pos, p.err
	fs := p.list()
	if p.err != nil && before == nil { // no name: a type alone
		p.pos, p.err = from, nil
		fs = []Field{{Name: "item", Type: p.typ(), Nullable: !p.take("not null")}}
	}
	p.need(">")
	if len(fs) != 1 {
		p.fail("one element")
	}
	return fs
}

func (p *typeParser) fields() []Field {
	p.need("<")
	if p.take(">") {
		return nil
	}
	fs := p.list()
	p.need(">")
	return fs
}

func (p *typeParser) list() []Field {
	var fs []Field
	for p.err == nil {
		f := Field{Name: p.name()}
		p.need(":")
		f.Type = p.typ()
		f.Nullable = !p.take("not null")
		fs = append(fs, f)
		if !p.take(",") {
			break
		}
	}
	return fs
}

func (p *typeParser) name() string {
	p.skip()
	if p.pos < len(p.text) && p.text[p.pos] == '"' {
		q, err := strconv.QuotedPrefix(p.text[p.pos:])
		if err != nil {
			p.fail("a closing quote")
			return ""
		}
		p.pos += len(q)
		s, _ := strconv.Unquote(q)
		return s
	}
	return p.until(":<>,[]")
}

func (p *typeParser) mapping() Type {
	p.need("<")
	key := Field{Name: "key", Type: p.typ()}
	p.need(",")
	value := Field{Name: "value", Type: p.typ(), Nullable: !p.take("not null")}
	t := Type{Kind: Map, Elem: []Field{key, value}, Ordered: p.take(",") && p.word() == "keys_sorted"}
	p.need(">")
	return t
}

func (p *typeParser) dictionary() Type {
	p.need("<")
	p.need("values=")
	value := p.typ()
	p.need(",")
	p.need("indices=")
	index := p.typ()
	if p.err == nil && (index.Kind < Int8 || index.Kind > Uint64) {
		p.fail("an integer type of indices")
	}
	t := Type{Kind: Dictionary, Elem: []Field{{Name: "values", Type: value, Nullable: true}}, Index: &index}
	if p.take(",") {
		t.Ordered = p.word() == "ordered" && p.take("=1") || p.take("=0") && false
	}
	p.need(">")
	return t
}
