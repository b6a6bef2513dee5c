package gx

import (
	"bytes"
	"encoding/json"
	"testing"
)

func FuzzATextIsWrittenAsJSONHasIt(f *testing.F) {
	for _, s := range []string{"", "plain", "\x00\x1f\b\f\n\r\t\"\\/<>&\x7f", "é\u2028\u2029\ufffd😀", "\xff broken \xe2\x82", "a\n\nb\"\xc3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(s); err != nil {
			t.Fatal(err)
		}
		if got := string(appendString(nil, s)) + "\n"; got != want.String() {
			t.Errorf("%q is written as %s, by encoding/json as %s", s, got, want.String())
		}
	})
}
