// Package prefix turns a prompt into the chain of block hashes by which a router recognises shared prefixes.
//
// It refuses to know tokenisers: blocks are bytes of the canonical prompt, so the hashes cost well under a
// microsecond a kilobyte and mean the same for every engine. The gateway computes them once; routers and workers only
// compare the numbers.
package prefix

import "github.com/zeebo/xxh3"

const (
	// BlockBytes is how many bytes of the canonical prompt one hash covers, about 16 tokens of English text.
	BlockBytes = 64
	// MaxBlocks bounds the chain: what follows the first 64 KiB of a prompt does not help to tell prefixes apart.
	MaxBlocks = 1024
)

// Blocks appends to dst one hash per whole block of the canonical prompt, at most MaxBlocks, and returns the result.
//
// Hash i is xxh3(block i, seed = hash i-1), and the first seed is xxh3 of the model's name: equal hashes at i mean
// equal model and equal first (i+1) × BlockBytes bytes. A last block that is not full has no hash. The canonical
// prompt is what the engine will see in its order: the rendered template, or the messages' JSON where the engine
// renders them. Blocks does not keep canonical and allocates only where dst is too small.
func Blocks(dst []uint64, model string, canonical []byte) []uint64 {
	seed := xxh3.HashString(model)
	for n := 0; n < MaxBlocks && len(canonical) >= BlockBytes; n++ {
		seed = xxh3.HashSeed(canonical[:BlockBytes], seed)
		dst = append(dst, seed)
		canonical = canonical[BlockBytes:]
	}
	return dst
}
