package repr_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/leathq/leat/services/validator/internal/pyjson"
	"github.com/leathq/leat/services/validator/internal/repr"
)

// text reads a JSON string with surrogates that stand alone, which encoding/json would replace.
func text(t *testing.T, s string) string {
	t.Helper()
	v, err := pyjson.Parse([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return v.(string)
}

// What a report prints must be what Python prints, byte for byte.
func TestWritesAsPython(t *testing.T) {
	f, err := os.Open("testdata/cases.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for lines := bufio.NewScanner(z); lines.Scan(); {
		var c []any
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		kind := c[0].(string)
		seen[kind]++
		switch kind {
		case "float":
			bits, _ := strconv.ParseUint(c[1].(string), 16, 64)
			v := math.Float64frombits(bits)
			same(t, c, string(repr.Float(nil, v)), c[2].(string))
			same(t, c, string(repr.JSONFloat(nil, v)), c[3].(string))
		case "str":
			s := text(t, c[1].(string))
			same(t, c, string(repr.JSON(nil, s)), c[1].(string))
			same(t, c, string(repr.Str(nil, s)), text(t, c[2].(string)))
		case "time":
			ns, _ := strconv.ParseInt(c[1].(string), 10, 64)
			at, zoned := time.Unix(0, ns).UTC(), c[2] != nil
			if zoned {
				at = at.In(time.FixedZone("", int(c[2].(float64))))
			}
			same(t, c, string(repr.Timestamp(nil, at, 'T', zoned)), c[3].(string))
			same(t, c, string(repr.Timestamp(nil, at, ' ', zoned)), c[4].(string))
		case "delta":
			ns, _ := strconv.ParseInt(c[1].(string), 10, 64)
			same(t, c, string(repr.Timedelta(nil, ns)), c[2].(string))
		}
	}
	if seen["float"] < 5000 || seen["str"] < 5000 || seen["time"] < 1000 || seen["delta"] < 1000 {
		t.Fatalf("too few cases: %v", seen)
	}
}

func same(t *testing.T, c []any, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%v is written %s, Python: %s", c[:2], got, want)
	}
}
