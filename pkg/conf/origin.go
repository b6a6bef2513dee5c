package conf

import "strconv"

// Layer is where a value came from, in rising rank.
type Layer int

// The layers.
const (
	Default Layer = iota
	File
	Env
	Flag
)

// Origin says where the value of a key came from.
type Origin struct {
	Layer Layer
	// Name is the file's path, the variable's or the flag's name (with its dashes); empty for a default.
	Name string
	// Line is the line in the file, from 1; 0 elsewhere.
	Line int
}

// String is "default", "file leat.yaml:12", "env LEAT_HTTP" or "flag --http".
func (o Origin) String() string {
	switch o.Layer {
	case File:
		return "file " + o.Name + ":" + strconv.Itoa(o.Line)
	case Env:
		return "env " + o.Name
	case Flag:
		return "flag " + o.Name
	}
	return "default"
}
