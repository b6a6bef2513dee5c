package llama_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// loraShape is the weights that a test's adapter changes: of the fixture model, 576 wide, with 3 heads of 64 for values.
var loraShape = []struct {
	name    string
	in, out int
}{{"blk.0.attn_q.weight", 576, 576}, {"blk.3.attn_v.weight", 576, 192}, {"blk.12.attn_q.weight", 576, 576}, {"blk.20.attn_v.weight", 576, 192}, {"blk.29.attn_output.weight", 576, 576}}

// loraFile is a LoRA adapter as llama.cpp's converter writes it: random A, and B of the given size (0: it changes nothing).
type loraFile struct {
	arch, kind string
	seed       uint64
	size       float64
	tensors    string // put before the tensors' names
	half       bool   // float16, whose kernels treat one row otherwise than several
}

func (f loraFile) write(t testing.TB) string {
	t.Helper()
	rank := 4
	if f.half {
		rank = 16
	}
	rng := rand.New(rand.NewPCG(f.seed, 3))
	var head, infos, data bytes.Buffer
	put := func(b *bytes.Buffer, vs ...any) {
		for _, v := range vs {
			if s, ok := v.(string); ok {
				_ = binary.Write(b, binary.LittleEndian, uint64(len(s)))
				b.WriteString(s)
			} else {
				_ = binary.Write(b, binary.LittleEndian, v)
			}
		}
	}
	kind := uint32(0)
	if f.half {
		kind = 1
	}
	tensor := func(name string, ne0, ne1 int, value func() float32) {
		put(&infos, f.tensors+name, uint32(2), uint64(ne0), uint64(ne1), kind, uint64(data.Len()))
		for range ne0 * ne1 {
			if v := value(); f.half {
				put(&data, float16(v))
			} else {
				put(&data, v)
			}
		}
		data.Write(make([]byte, -data.Len()&31))
	}
	for _, w := range loraShape {
		tensor(w.name+".lora_a", w.in, rank, func() float32 { return float32(rng.NormFloat64() / 24) })
		tensor(w.name+".lora_b", rank, w.out, func() float32 { return float32(rng.NormFloat64() * f.size) })
	}
	head.WriteString("GGUF")
	put(&head, uint32(3), uint64(2*len(loraShape)), uint64(4))
	put(&head, "general.type", uint32(8), "adapter", "general.architecture", uint32(8), f.arch)
	put(&head, "adapter.type", uint32(8), f.kind, "adapter.lora.alpha", uint32(6), float32(rank))
	head.Write(infos.Bytes())
	head.Write(make([]byte, -head.Len()&31))
	head.Write(data.Bytes())
	path := filepath.Join(t.TempDir(), "adapter.gguf")
	if err := os.WriteFile(path, head.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// float16 cuts a number of moderate size to half precision.
func float16(v float32) uint16 {
	b := math.Float32bits(v)
	exp := int(b>>23&0xff) - 127 + 15
	if exp <= 0 {
		return 0
	}
	return uint16(b>>16&0x8000) | uint16(exp)<<10 | uint16(b>>13&0x3ff)
}

func lora(t testing.TB, seed uint64, size float64) string {
	return loraFile{arch: "llama", kind: "lora", seed: seed, size: size}.write(t)
}
