package native

import (
	"bytes"
	"strings"
	"testing"
)

// The reader takes any bytes without a crash, and what it calls good has been read to its end.
func FuzzGGUF(f *testing.F) {
	head := "GGUF\x03\x00\x00\x00" + "\x01\x00\x00\x00\x00\x00\x00\x00" + "\x02\x00\x00\x00\x00\x00\x00\x00"
	kv := "\x01\x00\x00\x00\x00\x00\x00\x00a\x08\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00hi" +
		"\x01\x00\x00\x00\x00\x00\x00\x00b\x09\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x3f"
	tensor := "\x01\x00\x00\x00\x00\x00\x00\x00t\x01\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	whole := head + kv + tensor
	f.Add([]byte(whole))
	if k, err := parseGGUF(strings.NewReader(whole), "x"); err != nil || k.strings["a"] != "hi" || k.types["b"] != ggufArray || !k.plain {
		f.Fatal(k, err)
	}
	for n := range whole {
		if _, err := parseGGUF(strings.NewReader(whole[:n]), "x"); err == nil {
			f.Fatalf("a head cut after %d bytes is taken", n)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := parseGGUF(bytes.NewReader(b), "x"); (k == nil) == (err == nil) {
			t.Fatal(k, err)
		}
	})
}
