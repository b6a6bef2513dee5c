package codec_test

import (
	"math"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/codec"
)

func written() codec.Append {
	var a codec.Append
	a.Header("TEST", 2)
	a.Byte(7)
	a.Uint(1 << 40)
	a.Int(-3)
	a.Word(math.MaxUint64)
	a.Float(math.Pi)
	a.Bytes([]byte("text"))
	return a
}

func read(data []byte) (*codec.Reader, bool) {
	r := codec.NewReader(data)
	ok := r.Header("TEST", 2) == 2 && r.Byte() == 7 && r.Uint() == 1<<40 && r.Int() == -3 && r.Word() == math.MaxUint64 && r.Float() == math.Pi && string(r.Bytes()) == "text"
	return r, ok
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	if r, ok := read(written()); !ok || r.Done() != nil {
		t.Errorf("%v", r.Done())
	}
}

func TestDamageIsNamed(t *testing.T) {
	whole := written()
	for n := range whole {
		r, _ := read(whole[:n])
		if err := r.Done(); err == nil || !strings.Contains(err.Error(), "byte") {
			t.Errorf("cut at %d of %d: %v", n, len(whole), err)
		}
	}
	if r, _ := read(append(whole, 0)); r.Done() == nil {
		t.Error("a byte too many is taken")
	}
	for _, other := range []string{"ELSE\x02", "TEST\x03", "TEST\x00"} {
		r := codec.NewReader([]byte(other))
		r.Header("TEST", 2)
		if r.Err() == nil {
			t.Errorf("the header %q is taken", other)
		}
	}
}

func TestAnAnnouncedNumberIsHeldAgainstWhatIsThere(t *testing.T) {
	var a codec.Append
	a.Uint(1 << 50)
	r := codec.NewReader(a)
	if n := r.Count(1); n != 0 || r.Err() == nil {
		t.Errorf("%d entries are announced in no bytes", n)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(written()))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, ok := read(data)
		if ok && r.Done() == nil && string(written()) != string(data) && len(data) == len(written()) {
			t.Errorf("other bytes of the same length read as the same")
		}
	})
}
