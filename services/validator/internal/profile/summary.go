package profile

import (
	"encoding/json"
	"math"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
)

// Class is what can be asked of a column.
type Class string

// Classes.
const (
	Number   Class = "number"
	Time     Class = "time" // points in time and dates
	Text     Class = "text"
	Category Class = "category" // texts from a dictionary
	Flag     Class = "flag"
	Other    Class = "other" // lists, structs, bytes: only whether there is a value
)

func classOf(t arrowio.Type) Class {
	switch t.Kind {
	case arrowio.Int8, arrowio.Int16, arrowio.Int32, arrowio.Int64, arrowio.Uint8, arrowio.Uint16, arrowio.Uint32, arrowio.Uint64,
		arrowio.Float16, arrowio.Float32, arrowio.Float64, arrowio.Decimal128, arrowio.Decimal256:
		return Number
	case arrowio.Timestamp, arrowio.Date32, arrowio.Date64:
		return Time
	case arrowio.String, arrowio.LargeString:
		return Text
	case arrowio.Bool:
		return Flag
	case arrowio.Dictionary:
		if k := t.Elem[0].Type.Kind; k == arrowio.String || k == arrowio.LargeString {
			return Category
		}
	}
	return Other
}

// Summary is what is known of data.
type Summary struct {
	Rows    int64    `json:"rows"`
	Columns []Column `json:"columns"`
}

// Column is what is known of a column. Which of the pointers is set depends on Class; none is where there is no value.
type Column struct {
	Name     string  `json:"name"`
	Type     string  `json:"type"` // Arrow's name
	Class    Class   `json:"class"`
	Rows     int64   `json:"rows"`
	Missing  int64   `json:"missing"`            // nulls and NaNs
	Distinct int64   `json:"distinct,omitempty"` // different values; 0: not known, as there are too many
	Unique   bool    `json:"unique,omitempty"`   // no value occurs twice; false also where it is not known
	Numbers  *Spread `json:"numbers,omitempty"`
	Lengths  *Spread `json:"lengths,omitempty"` // of texts, in characters
	Times    *Span   `json:"times,omitempty"`
	Values   []Value `json:"values,omitempty"` // the most common first, then by text; nil where Distinct is not known or large
	Form     Form    `json:"form"`

	arrow arrowio.Type
	whole bool // integers
}

// Present is how many rows hold a value.
func (c *Column) Present() int64 { return c.Rows - c.Missing }

// Spread is how numbers are spread. Mean, Median and Bins are of the finite ones, and as near as the summary tells numbers apart: exact up to 16,384 different ones.
type Spread struct {
	Min    Real  `json:"min"`
	Mean   Real  `json:"mean"`
	Median Real  `json:"median"`
	Max    Real  `json:"max"`
	Bins   []Bin `json:"bins"`
}

// Span is from when to when points in time are, and how they are spread between, in seconds since 1970.
type Span struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Bins  []Bin     `json:"bins"`
}

// Bin counts the values from Low on and below High; the last bin has High too.
type Bin struct {
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Count int64   `json:"count"`
}

// Value is a value and how many rows hold it.
type Value struct {
	Text   string  `json:"text"`
	Number float64 `json:"-"` // of a column of numbers
	Count  int64   `json:"count"`
}

// Form is what all texts of a column look like; its members are empty where they do not look alike.
type Form struct {
	Regex    string `json:"regex,omitempty"`    // Python's and RE2's syntax
	Strftime string `json:"strftime,omitempty"` // a format of Python's strptime
	JSON     bool   `json:"json,omitempty"`     // objects or lists
}

// Real is a float that JSON shows as null where it cannot show it.
type Real float64

// MarshalJSON writes the number, or null for NaN and infinities.
func (r Real) MarshalJSON() ([]byte, error) {
	if f := float64(r); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return json.Marshal(f)
	}
	return []byte("null"), nil
}

func (r Real) finite() bool { return !math.IsNaN(float64(r)) && !math.IsInf(float64(r), 0) }
