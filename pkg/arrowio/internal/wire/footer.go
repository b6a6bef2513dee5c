package wire

import "encoding/binary"

// Block is where a message lies in a file.
type Block struct {
	From     int64
	Metadata int64 // bytes, its prefix included
	Body     int64
}

// Footer reads a file's footer: its schema, and where dictionaries and batches are. size is the file's; blocks lie within it.
func Footer(data []byte, size int64, l Limits) (s *Schema, dictionaries, batches []Block, err error) {
	c := &cursor{data: data}
	t := c.root()
	h, ok := t.sub(1)
	if c.err != nil || !ok {
		return nil, nil, nil, malformed("footer", "it has no schema")
	}
	if s, err = checked(h, l); err != nil {
		return nil, nil, nil, err
	}
	if dictionaries, err = blocks(t, 2, size); err != nil {
		return nil, nil, nil, err
	}
	batches, err = blocks(t, 3, size)
	return s, dictionaries, batches, err
}

func blocks(t table, i int, size int64) ([]Block, error) {
	pos, n := t.vector(i, 24)
	out := make([]Block, n)
	for j := range out {
		b := t.c.at(pos+24*j, 24)
		if t.c.err != nil {
			return nil, t.c.err
		}
		x := Block{int64(binary.LittleEndian.Uint64(b)), int64(int32(binary.LittleEndian.Uint32(b[8:]))), int64(binary.LittleEndian.Uint64(b[16:]))}
		if x.From < 0 || x.Metadata < 8 || x.Body < 0 || x.From > size || x.Metadata > size-x.From || x.Body > size-x.From-x.Metadata {
			return nil, malformed("footer", "a block at %d of %d and %d bytes lies outside the file of %d: the file is cut off", x.From, x.Metadata, x.Body, size)
		}
		out[j] = x
	}
	return out, t.c.err
}
