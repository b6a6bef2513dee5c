package runfile

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/goccy/go-yaml"

	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// maxText bounds a file, and a suite that it names.
const maxText = 16 << 20

// Options say how a file is read.
type Options struct {
	Files  []string                         // types of sources whose path and paths are the machine's own
	Getenv func(name string) (string, bool) // for ${NAME}
	Set    []string                         // KEY=VALUE: values in place of the file's, keys with dots between them, values in YAML
}

// File is a run that was read.
type File struct {
	Run   *datav1.Run
	Class string   // empty: not said
	Notes []string // what a person should know: paths that were made absolute
}

// Read reads a run from a YAML file. Errors name the line.
func Read(path string, o Options) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("%s has %d bytes, and a run at most %d: is it the right file?", path, len(text), maxText)
	}
	return Parse(path, text, o)
}

// Parse reads a run from the text of a YAML file; path is where it lies, of which relative paths are taken.
func Parse(path string, text []byte, o Options) (*File, error) {
	p := &page{name: path, text: text, o: o}
	root, err := p.root()
	if err != nil {
		return nil, err
	}
	if err := p.keys(root); err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := yaml.NodeToValue(root, &tree); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := p.set(tree); err != nil {
		return nil, err
	}
	if err := p.settle(tree); err != nil {
		return nil, err
	}
	data, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("%s: it has a value that JSON cannot say: %w", path, err)
	}
	d, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	run, err := d.run()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &File{Run: run, Class: d.Class, Notes: p.notes}, nil
}

// page is a file on its way.
type page struct {
	name  string
	text  []byte
	o     Options
	notes []string
}
