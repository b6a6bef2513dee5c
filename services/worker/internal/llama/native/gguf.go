package native

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// The types of GGUF values: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
const (
	ggufFloat32 = 6
	ggufString  = 8
	ggufArray   = 9
)

// Of the types of tensors.
const (
	ggmlF32  = 0
	ggmlF16  = 1
	ggmlBF16 = 30
)

// ggufSizes is the bytes of a value by its type, 0 where the value says it itself.
var ggufSizes = [...]int64{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8}

// ggufKeys reads the strings of a GGUF file's head, and which keys are float32. llama.cpp aborts the process where a value
// that it looks for has another type, and says in its log alone what else is wrong.
type ggufKeys struct {
	strings map[string]string
	types   map[string]uint32
	plain   bool // some tensors are float32, float16 or bfloat16
}

const (
	ggufMaxKeys   = 1 << 16
	ggufMaxString = 1 << 24
	ggufMaxArray  = 1 << 24
)

var errGGUF = errors.New("its head is cut or damaged")

func readGGUF(path string) (*ggufKeys, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseGGUF(f, path)
}

func parseGGUF(in io.Reader, path string) (*ggufKeys, error) {
	r := &ggufReader{r: bufio.NewReader(in)}
	var magic [4]byte
	if _, err := io.ReadFull(r.r, magic[:]); err != nil || string(magic[:]) != "GGUF" {
		return nil, fmt.Errorf("%s is no GGUF file: it does not begin with GGUF", path)
	}
	if v := r.u32(); r.err == nil && (v < 2 || v > 3) {
		return nil, fmt.Errorf("%s is GGUF of version %d; versions 2 and 3 are known", path, v)
	}
	tensors, n := r.u64(), r.u64()
	if n > ggufMaxKeys || tensors > ggufMaxKeys {
		r.err = errGGUF
	}
	k := &ggufKeys{strings: map[string]string{}, types: map[string]uint32{}}
	for ; n > 0 && r.err == nil; n-- {
		key := r.text()
		t := r.u32()
		k.types[key] = t
		if t == ggufString {
			k.strings[key] = r.text()
		} else {
			r.skip(t, 0)
		}
	}
	for ; tensors > 0 && r.err == nil; tensors-- {
		r.text()
		for dims := min(r.u32(), 8); dims > 0; dims-- {
			r.u64()
		}
		t := r.u32()
		k.plain = k.plain || t == ggmlF32 || t == ggmlF16 || t == ggmlBF16
		r.u64() // where it lies
	}
	if r.err != nil {
		return nil, fmt.Errorf("%s is no usable GGUF file: %w", path, errGGUF)
	}
	return k, nil
}

type ggufReader struct {
	r   *bufio.Reader
	err error
}

func (r *ggufReader) bytes(n int64) []byte {
	if r.err != nil || n > ggufMaxString {
		r.err = errGGUF
		return nil
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		r.err = errGGUF
	}
	return b
}

func (r *ggufReader) u32() uint32 {
	if b := r.bytes(4); r.err == nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *ggufReader) u64() uint64 {
	if b := r.bytes(8); r.err == nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *ggufReader) text() string {
	n := r.u64()
	if n > ggufMaxString {
		r.err = errGGUF
		return ""
	}
	return string(r.bytes(int64(n)))
}

// skip passes over a value; arrays may hold arrays, to a depth that no file needs.
func (r *ggufReader) skip(t uint32, depth int) {
	switch {
	case int(t) >= len(ggufSizes) || depth > 4:
		r.err = errGGUF
	case t == ggufString:
		r.text()
	case t == ggufArray:
		of, n := r.u32(), r.u64()
		if n > ggufMaxArray {
			r.err = errGGUF
		}
		for ; n > 0 && r.err == nil; n-- {
			r.skip(of, depth+1)
		}
	default:
		if _, err := r.r.Discard(int(ggufSizes[t])); err != nil {
			r.err = errGGUF
		}
	}
}
