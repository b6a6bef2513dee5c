package schema

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// str matches a string.
func (c *compiler) str(v *value, a at) *Part {
	var used []string
	for _, key := range []string{"pattern", "format"} {
		if v.has(key) {
			used = append(used, key)
		}
	}
	lo, hi := c.span(v, "minLength", "maxLength", a)
	if v.has("minLength") || v.has("maxLength") {
		used = append(used, "minLength or maxLength")
	}
	if len(used) > 1 {
		return c.fail(a, used[0], "'"+used[0]+"' together with "+used[1]+" is not supported. Say both in a pattern.")
	}
	switch {
	case v.has("pattern"):
		return c.shared(c.pattern(v.get("pattern"), a))
	case v.has("format"):
		return c.format(v.get("format"), a)
	case lo == 0 && hi < 0:
		return c.text()
	}
	return c.once(fmt.Sprintf("string-%d-%d", lo, max(hi, 0)), func() *Part {
		return Seq(Text(`"`), Repeat(c.char(), lo, hi), Text(`"`))
	})
}

// formats are the patterns of formats, each matching a part of what the format allows.
var formats = map[string]string{
	"date":      `^` + datePattern + `$`,
	"time":      `^` + timePattern + `$`,
	"date-time": `^` + datePattern + `T` + timePattern + `$`,
	"duration":  `^P([1-9][0-9]{0,3}D(T[1-9][0-9]{0,3}[HMS])?|T[1-9][0-9]{0,3}[HMS]|[1-9][0-9]{0,3}[WMY])$`,
	"uuid":      `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`,
	"email":     `^[a-zA-Z0-9]{1,16}([._+-][a-zA-Z0-9]{1,10}){0,4}@` + hostPattern + `$`,
	"hostname":  `^` + hostPattern + `$`,
	"ipv4":      `^` + bytePattern + `(\.` + bytePattern + `){3}$`,
	"ipv6":      `^[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}$`,
	"uri":       `^https?://` + hostPattern + `(:[1-9][0-9]{1,3})?(/[a-zA-Z0-9._~-]{0,32}){0,16}(\?[a-zA-Z0-9._~=&-]{1,128})?(#[a-zA-Z0-9._~-]{1,64})?$`,
}

const (
	datePattern = `[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))`
	timePattern = `([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])`
	hostPattern = `[a-zA-Z0-9]([a-zA-Z0-9]|-[a-zA-Z0-9]){0,20}(\.[a-zA-Z]([a-zA-Z0-9]|-[a-zA-Z0-9]){1,20}){1,5}`
	bytePattern = `(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`
)

func (c *compiler) format(f *value, a at) *Part {
	pattern, ok := formats[f.text]
	if f.kind != '"' || !ok {
		names := make([]string, 0, len(formats))
		for name := range formats {
			names = append(names, name)
		}
		slices.Sort(names)
		return c.fail(a, "format", "'format' "+clip(f.String())+" is not supported. There are "+list(names)+".")
	}
	return c.once("format-"+f.text, func() *Part { return c.regexp(pattern, a) })
}

func list(names []string) string {
	out := ""
	for i, n := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			out += " and "
		default:
			out += ", "
		}
		out += n
	}
	return out
}

// unlike matches a string that is none of some. It spells what they begin with plainly, so that no escape can make one of
// them after all.
func (c *compiler) unlike(names []string) *Part {
	slices.Sort(names)
	return c.add(Seq(Text(`"`), c.differ(slices.Compact(names))))
}

// differ matches what may follow a common beginning: names are the rests of those that begin so, sorted.
func (c *compiler) differ(names []string) *Part {
	var out []*Part
	if len(names) > 0 && names[0] == "" {
		names = names[1:]
	} else {
		out = append(out, Text(`"`))
	}
	taken := runes{}
	for i := 0; i < len(names); {
		r, size := utf8.DecodeRuneInString(names[i])
		var rests []string
		for ; i < len(names); i++ {
			if next, _ := utf8.DecodeRuneInString(names[i]); next != r {
				break
			}
			rests = append(rests, names[i][size:])
		}
		taken = append(taken, r, r)
		if plain(r) {
			out = append(out, Seq(Text(string(r)), c.differ(rests)))
		}
	}
	free := class(plainRunes.minus(taken).class())
	out = append(out, Seq(free, Repeat(c.char(), 0, -1), Text(`"`)))
	return c.add(Alt(out...))
}
