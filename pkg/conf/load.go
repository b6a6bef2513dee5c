package conf

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
)

// Section is one struct to fill and the top-level YAML key under which its keys stand.
type Section struct {
	// Key is the section's name; empty puts the struct's own keys at the top level.
	Key string
	// Doc is the heading's explanation in the help text.
	Doc string
	// Into points to the struct; its value is the default.
	Into any
}

// Spec is everything that Load reads from; nothing is taken from the process itself but files.
type Spec struct {
	// Program is the command as the user typed it ("leat router"), Summary one line about it; both for the help text.
	Program, Summary string
	// Examples are command lines that work, for the help text, and Footer ends it.
	Examples []string
	Footer   string
	// Args are the command line without the program's name, Environ is os.Environ's form.
	Args, Environ []string
	Sections      []Section
	// Programs are the top-level sections of programs that have processes of their own. In such a section the keys of
	// Repeat may be given again (router.host.http beside host.http), for that program's process only: they win in the
	// process whose Overlay is the section's key and are left alone in every other.
	Programs, Repeat []string
	Overlay          string
	// Elsewhere are top-level keys of other programs that share the file; they are not read.
	Elsewhere []string
	// ElsewhereEnv says whether a variable (LEAT_…) belongs to another program; nil says no.
	ElsewhereEnv func(name string) bool
	// Positional lets words that are not flags pass; they are Loaded.Args. Otherwise they are refused.
	Positional bool
}

// Loaded is a filled configuration with the origin of each value.
type Loaded struct {
	// File is the path of the YAML file, or empty.
	File string
	// Args are the words of the command line that are no flags.
	Args []string

	fields  []*field
	origins map[string]Origin
}

// loader is the state of one Load.
type loader struct {
	Spec
	*Loaded
	problems []string
	later    []func() // what the overlay repeats, to be applied over the rest of the file
	last     []func() // lists that inherit, to be read when all layers are applied
	usage    int      // how many of the problems are the command line's
}

// Load fills the sections. It returns *Error for refused settings, all of them at once, Help when --help was given, and
// any other error for a struct that cannot be a configuration or a file that cannot be read. On an error the structs
// are partly filled and must not be used.
func Load(spec Spec) (*Loaded, error) {
	l := &loader{Spec: spec, Loaded: &Loaded{origins: map[string]Origin{}}}
	if err := l.declare(); err != nil {
		return nil, err
	}
	cmd := l.parseArgs()
	if cmd.help {
		return nil, Help(l.help())
	}
	if err := l.readFile(cmd.config); err != nil {
		return nil, err
	}
	l.readEnv()
	l.applyFlags(cmd)
	for _, apply := range l.last {
		apply()
	}
	if len(l.problems) == 0 {
		l.validate()
	}
	if len(l.problems) > 0 {
		return nil, &Error{Problems: l.problems, Usage: l.usage == len(l.problems)}
	}
	l.Loaded.Args = cmd.rest
	return l.Loaded, nil
}

// declare reads the tags and refuses keys or flags that contradict each other.
func (l *loader) declare() error {
	keys, flags := map[string]bool{}, map[string]reflect.Type{"config": nil, "help": nil}
	for _, s := range l.Sections {
		v := reflect.ValueOf(s.Into)
		if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
			return fmt.Errorf("conf: section %q is not a pointer to a struct", s.Key)
		}
		fields, err := fieldsOf(v.Elem(), s.Key)
		if err != nil {
			return err
		}
		if s.Key != "" {
			fields = []*field{{key: s.Key, path: s.Key, doc: s.Doc, section: true, value: v.Elem(), fields: fields}}
		}
		l.fields = append(l.fields, fields...)
	}
	var clash error
	leaves(l.fields, func(f *field) {
		t, taken := flags[f.flag]
		if keys[f.path] || f.flag != "" && taken && t != f.value.Type() {
			clash = errors.Join(clash, fmt.Errorf("conf: %s (flag %q) is declared twice", f.path, f.flag))
		}
		keys[f.path], flags[f.flag] = true, f.value.Type()
	})
	return clash
}

func (l *loader) refuse(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// byFlag lists the fields that share a flag.
func (l *loader) byFlag(flag string) (out []*field) {
	leaves(l.fields, func(f *field) {
		if f.flag == flag {
			out = append(out, f)
		}
	})
	return out
}

// set gives one setting its text and records the origin; the problem never shows a secret. An empty word passes oneof:
// it means "not chosen", as in a zero value.
func (l *loader) set(f *field, word string, from Origin) error {
	err := setText(f.value, word)
	if err == nil && word != "" && len(f.oneof) > 0 && isScalar(f.value.Type()) && !slices.Contains(f.oneof, word) {
		err = fmt.Errorf("%q is none of %s", word, strings.Join(f.oneof, ", "))
	}
	if err != nil && f.secret {
		err = errors.New("the value (not shown) is malformed")
	}
	l.origins[f.path] = from
	return err
}

// Origin says where the value at a dotted path (router.max_queue) came from.
func (l *Loaded) Origin(path string) Origin { return l.origins[path] }

func readFile(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return b, nil
}
