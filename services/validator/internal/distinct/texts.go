package distinct

import "encoding/binary"

// texts holds the bytes of entries in blocks that never move, each text after its length.
type texts struct {
	blocks [][]byte
	used   int64
}

const blockSize = 1 << 20

// at returns the text at a place: block<<32 | offset.
func (t *texts) at(place uint64) []byte {
	b := t.blocks[place>>32][uint32(place):]
	n, size := uint64(b[0]), 1
	if n >= 0x80 {
		n, size = binary.Uvarint(b)
	}
	return b[size : size+int(n)]
}

func (t *texts) add(b []byte) (place uint64) {
	need := len(b) + binary.MaxVarintLen64
	last := len(t.blocks) - 1
	if last < 0 || cap(t.blocks[last])-len(t.blocks[last]) < need {
		size := max(blockSize, need)
		if last < 0 {
			size = max(4096, need)
		}
		t.blocks = append(t.blocks, make([]byte, 0, size))
		t.used += int64(size)
		last++
	}
	place = uint64(last)<<32 | uint64(len(t.blocks[last]))
	t.blocks[last] = append(binary.AppendUvarint(t.blocks[last], uint64(len(b))), b...)
	return place
}
