package conf

import (
	"fmt"
	"reflect"
	"strings"
)

// HelpText is what --help prints: every setting by section with its flag, variable, default and meaning.
func HelpText(spec Spec) (string, error) {
	l := &loader{Spec: spec, Loaded: &Loaded{origins: map[string]Origin{}}}
	if err := l.declare(); err != nil {
		return "", err
	}
	return l.help(), nil
}

func (l *loader) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s [flags]\n", l.Program)
	if l.Summary != "" {
		fmt.Fprintf(&b, "\n%s\n", l.Summary)
	}
	if len(l.Examples) > 0 {
		b.WriteString("\nExamples:\n  " + strings.Join(l.Examples, "\n  ") + "\n")
	}
	b.WriteString("\nA value comes from the flag, else the environment variable, else the YAML file, else the default.\n")
	fmt.Fprintf(&b, "\n  --config string  (%s)\n      path of the YAML file\n", ConfigEnv)
	helpFields(&b, l.fields, "")
	if l.Footer != "" {
		b.WriteString("\n" + l.Footer)
	}
	return b.String()
}

// helpFields writes the settings of one section, then its sections.
func helpFields(b *strings.Builder, fields []*field, heading string) {
	for _, f := range fields {
		if f.section {
			continue
		}
		if heading != "" {
			fmt.Fprintf(b, "\n%s\n", heading)
			heading = ""
		}
		helpSetting(b, f)
		helpEntries(b, f)
	}
	for _, f := range fields {
		if f.section && f.doc != "" {
			helpFields(b, f.fields, f.path+": "+f.doc)
		} else if f.section {
			helpFields(b, f.fields, f.path+":")
		}
	}
}

// helpEntries writes the keys of a map's entries, with what an entry starts from.
func helpEntries(b *strings.Builder, f *field) {
	t := f.value.Type()
	if t.Kind() != reflect.Map || !isSection(t.Elem()) {
		return
	}
	e := reflect.New(t.Elem()).Elem()
	if base := f.value.MapIndex(reflect.ValueOf(baseOf(f.value)).Convert(t.Key())); base.IsValid() {
		e.Set(base)
	} else {
		setDefaults(e)
	}
	fields, _ := fieldsOf(e, f.path+".NAME") // declare has seen that it can be read
	leaves(fields, func(f *field) { helpSetting(b, f) })
}

func helpSetting(b *strings.Builder, f *field) {
	name := "yaml " + f.path
	if f.flag != "" {
		name = "--" + f.flag
	}
	fmt.Fprintf(b, "  %s %s", name, typeName(f))
	if value := inline(f.value); value != "" && f.value.Kind() != reflect.Map && !f.secret {
		fmt.Fprintf(b, "  (default %s)", HidePasswords(value))
	}
	if len(f.envs) > 0 {
		fmt.Fprintf(b, "  (%s)", strings.Join(f.envs, ", "))
	}
	b.WriteByte('\n')
	if f.doc != "" {
		fmt.Fprintf(b, "      %s\n", f.doc)
	}
}

// typeName is the kind of value in a user's words.
func typeName(f *field) string {
	if len(f.oneof) > 0 {
		return strings.Join(f.oneof, "|")
	}
	t := f.value.Type()
	switch {
	case t == durationType:
		return "duration"
	case t.Name() == "Bytes":
		return "size"
	case isScalar(t) && !isText(t):
		return t.Kind().String()
	case isScalar(t):
		return "text"
	case isScalar(t.Elem()) && f.flag != "":
		return "list"
	}
	return "(in the YAML file only)"
}
