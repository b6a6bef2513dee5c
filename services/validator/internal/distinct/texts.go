package distinct

import (
	"bytes"
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// texts holds the bytes of entries in blocks that never move, each text after its length, or where they lie in a batch; of some only digests.
type texts struct {
	blocks [][]byte
	lent   [][]byte
	used   int64
}

// lent is the bit of a place that is a number of lent, digested of one at which a digest lies in place of a text.
const (
	lent     = 1 << 62
	digested = 1 << 61
)

const blockSize = 1 << 20

// at returns the text at a place: block<<32 | offset. It is nil where only the digest is known.
func (t *texts) at(place uint64) []byte {
	if place&digested != 0 {
		return nil
	}
	if place&lent != 0 {
		return t.lent[place&^lent]
	}
	return t.bytes(place)
}

func (t *texts) bytes(place uint64) []byte {
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

// lend keeps a text where it lies. What that holds in memory is for the caller to count.
func (t *texts) lend(b []byte) (place uint64) {
	t.lent = append(t.lent, b)
	t.used += 24
	return lent | uint64(len(t.lent)-1)
}

// digest keeps a text's digest alone.
func (t *texts) digest(sum xxh3.Uint128) (place uint64) {
	b := sum.Bytes()
	return digested | t.add(b[:])
}

// sums says whether a place has a digest.
func (t *texts) sums(place uint64, sum xxh3.Uint128) bool {
	b := sum.Bytes()
	return bytes.Equal(t.bytes(place&^digested), b[:])
}
