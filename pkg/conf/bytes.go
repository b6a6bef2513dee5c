package conf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a size in bytes, written as "512", "64KiB", "32MiB", "1.5GiB" or, in powers of ten, "10MB".
type Bytes int64

// Units of Bytes in powers of two.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
	TiB Bytes = 1 << 40
)

// units is ordered so that a longer suffix is tried before the one that ends it.
var units = []struct {
	suffix string
	size   int64
}{
	{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"TIB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// UnmarshalText reads a size; a negative, fractional-byte or overflowing one is an error that shows the accepted forms.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.ToUpper(strings.TrimSpace(string(text)))
	size := int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(s, u.suffix); ok {
			s, size = strings.TrimSpace(rest), u.size
			break
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n < 0 || n > math.MaxInt64/size {
			return notBytes(text)
		}
		*b = Bytes(n * size)
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.ContainsAny(s, "XPE_NI") || f < 0 || f*float64(size) >= math.MaxInt64 || size == 1 {
		return notBytes(text)
	}
	*b = Bytes(math.Round(f * float64(size)))
	return nil
}

func notBytes(text []byte) error {
	return fmt.Errorf("%q is not a size such as 65536, 64KiB, 32MiB or 1.5GiB", text)
}

// MarshalText writes the size in the form of String.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// String is the shortest exact form in powers of two: "32MiB", "1000".
func (b Bytes) String() string {
	for _, u := range []struct {
		name string
		size Bytes
	}{{"TiB", TiB}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}} {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}
