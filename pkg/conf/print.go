package conf

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"sort"
	"strings"
)

// mask stands for a secret that is set.
const mask = "********"

// plain matches words that YAML reads back as the same text whatever type they have for us.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./+][A-Za-z0-9_./+-]*(:[A-Za-z0-9_./+-]+)*$`)

// password finds the password of a URL.
var password = regexp.MustCompile(`(://[^/@\s:]*:)[^/@\s]+@`)

// HidePasswords replaces the passwords of URLs in a text, so that an address can be printed.
func HidePasswords(text string) string { return password.ReplaceAllString(text, "${1}"+mask+"@") }

// printer writes the effective configuration line by line.
type printer struct {
	*Loaded
	lines [][2]string // text and comment
}

// WriteYAML writes the effective configuration; a comment behind each value says where it came from. What it writes
// can be given back as a file, but for secrets and the passwords of URLs, which are masked.
func (l *Loaded) WriteYAML(w io.Writer) error {
	p := &printer{Loaded: l}
	p.section(l.fields, "")
	width := 0
	for _, line := range p.lines {
		if line[1] != "" {
			width = max(width, min(len(line[0]), 60))
		}
	}
	var b strings.Builder
	for _, line := range p.lines {
		if line[1] == "" {
			b.WriteString(line[0] + "\n")
			continue
		}
		fmt.Fprintf(&b, "%-*s  # %s\n", width, line[0], line[1])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (p *printer) add(text, comment string) { p.lines = append(p.lines, [2]string{text, comment}) }

func (p *printer) section(fields []*field, indent string) {
	for _, f := range fields {
		if f.section {
			if len(f.fields) > 0 {
				p.add(indent+f.key+":", "")
				p.section(f.fields, indent+"  ")
			}
			continue
		}
		p.value(indent+f.key+":", f.value, f.path, indent, f.secret, p.Origin(f.path))
	}
}

// value writes "head value  # origin", or head and the entries beneath it.
func (p *printer) value(head string, v reflect.Value, path, indent string, secret bool, from Origin) {
	origin := from.String()
	switch {
	case isScalar(v.Type()):
		word := quote(HidePasswords(text(v)))
		if secret && !v.IsZero() {
			word = `"` + mask + `"`
		}
		p.add(head+" "+word, origin)
	case v.Kind() == reflect.Struct:
		fields, _ := fieldsOf(addressable(v), path)
		p.add(head, "")
		p.section(fields, indent+"  ")
	case v.Len() == 0 && v.Kind() == reflect.Slice:
		p.add(head+" []", origin)
	case v.Len() == 0:
		p.add(head+" {}", origin)
	case v.Kind() == reflect.Slice:
		p.add(head, origin)
		for i := range v.Len() {
			p.item(v.Index(i), fmt.Sprintf("%s[%d]", path, i), indent+"  ", secret, from)
		}
	default:
		p.add(head, origin)
		keys := v.MapKeys()
		sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
		for _, k := range keys {
			inner := path + "." + k.String()
			p.value(indent+"  "+quote(k.String())+":", v.MapIndex(k), inner, indent+"  ", secret, p.originOf(inner))
		}
	}
}

// item writes one entry of a list: its first line gets the dash.
func (p *printer) item(v reflect.Value, path, indent string, secret bool, from Origin) {
	if isScalar(v.Type()) {
		p.value(indent+"-", v, path, indent, secret, from)
		return
	}
	first := len(p.lines)
	if isSection(v.Type()) {
		fields, _ := fieldsOf(addressable(v), path)
		p.section(fields, indent+"  ")
	} else {
		p.value(indent+"  ", v, path, indent, secret, from)
	}
	if len(p.lines) > first {
		p.lines[first][0] = indent + "- " + strings.TrimPrefix(p.lines[first][0], indent+"  ")
	}
}

// addressable copies a value out of a map or interface so that its fields can be listed.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

// quote writes a word so that YAML reads the same word back.
func quote(s string) string {
	switch strings.ToLower(s) {
	case "null", "~", "":
		return `"` + s + `"`
	}
	if plain.MatchString(s) {
		return s
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
