package native

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// Params says what to load and with which geometry.
type Params struct {
	Path    string
	Threads int
	Slots   int // sequences that the KV cache holds
	Context int // tokens a slot may hold
	Batch   int // most tokens of one Decode
	Flash   bool
	Unified bool // one KV buffer for all slots
	// RowAttention keeps the cache in RowCache's types. Of llama.cpp's flash attention kernels on the CPU only the one that
	// handles a query row by itself takes keys and values of different types: not the tiled one (64 rows and more), not the
	// one that splits a lone row's keys between threads (512 keys and more).
	RowAttention bool
	CheckTensors bool
	// MemoryFree returns the bytes that may still be used, 0 where unknown; consulted before each large allocation.
	MemoryFree func() uint64
}

// RowCache is the types of keys and values under RowAttention; bits depend on them. The other way round costs more: the
// kernel then widens every value by itself before it adds it up.
const RowCache = "bfloat16/float16"

// Model is a loaded model with one context; Fork makes further contexts.
type Model struct {
	*Vocab
	p      Params
	model  llama.Model
	ctx    llama.Context
	mem    llama.Memory
	batch  llama.Batch
	abort  flag
	seqIDs [1]llama.SeqId
	Bytes  uint64 // size of the weights
	Desc   string
	Train  int  // tokens of context that the model was trained for
	forked bool // the weights are another Model's
}

// Load opens a GGUF file and makes its context. The error is one line that says what is wrong and what to do.
func (l *Library) Load(p Params) (*Model, error) {
	if err := checkFile(p); err != nil {
		return nil, err
	}
	mp := llama.ModelDefaultParams()
	mp.CheckTensors = b2u(p.CheckTensors)
	model, err := llama.ModelLoadFromFile(p.Path, mp)
	if err != nil {
		return nil, fmt.Errorf("llama.cpp cannot load %s: the file is damaged or of an architecture that v%s does not know", p.Path, LibraryVersion)
	}
	m := &Model{p: p, model: model, Bytes: llama.ModelSize(model), Desc: llama.ModelDesc(model), Train: int(llama.ModelNCtxTrain(model)), abort: newFlag()}
	if m.Vocab, err = newVocab(l, model); err != nil {
		return nil, err
	}
	if llama.ModelHasEncoder(model) || !llama.ModelHasDecoder(model) || llama.ModelIsDiffusion(model) {
		return nil, fmt.Errorf("%s is not a decoder-only language model: this engine cannot generate with it", p.Path)
	}
	if m.p.Context == 0 {
		m.p.Context = m.Train
	}
	if err := m.fits(); err != nil {
		return nil, err
	}
	return m, m.open(l)
}

// checkFile gives clear lines for what llama.cpp reports with a null pointer.
func checkFile(p Params) error {
	f, err := os.Open(p.Path)
	if err != nil {
		return fmt.Errorf("open model: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open model: %w", err)
	}
	var magic [4]byte
	if n, _ := f.ReadAt(magic[:], 0); n < 4 || string(magic[:]) != "GGUF" {
		return fmt.Errorf("%s is no GGUF model: it does not begin with GGUF", p.Path)
	}
	if free := p.free(); free > 0 && uint64(st.Size()) > free {
		return fmt.Errorf("too little memory for %s: its weights need %d MiB, %d MiB are free: use a smaller model or quantisation", p.Path, st.Size()>>20, free>>20)
	}
	return nil
}

func (p *Params) free() uint64 {
	if p.MemoryFree == nil {
		return 0
	}
	return p.MemoryFree()
}

// fits compares the KV cache, the logits and the activations with the free memory.
func (m *Model) fits() error {
	free := m.p.free()
	if free == 0 {
		return nil
	}
	layers, heads := uint64(llama.ModelNLayer(m.model)), uint64(max(llama.ModelNHead(m.model), 1))
	kvHeads, width := uint64(llama.ModelNHeadKV(m.model)), uint64(llama.ModelNEmbd(m.model))
	cells := uint64(m.p.Slots) * uint64(m.p.Context)
	kv := cells * layers * kvHeads * (width / heads) * 2 * 2 // keys and values, two bytes each
	work := uint64(m.p.Batch) * (uint64(m.Size())*4*2 + width*4*16 + uint64(m.p.Context)*heads*4)
	if need := kv + work; need > free {
		return fmt.Errorf("too little memory: %d slots of %d tokens need %d MiB beside the weights, %d MiB are free: lower --slots or --context", m.p.Slots, m.p.Context, need>>20, free>>20)
	}
	return nil
}

func (m *Model) open(l *Library) error {
	cp := llama.ContextDefaultParams()
	cp.NCtx = uint32(m.p.Slots * m.p.Context)
	cp.NBatch, cp.NUbatch, cp.NSeqMax = uint32(m.p.Batch), uint32(m.p.Batch), uint32(m.p.Slots)
	cp.NThreads, cp.NThreadsBatch = int32(m.p.Threads), int32(m.p.Threads)
	cp.FlashAttentionType = llama.FlashAttentionTypeDisabled
	if m.p.Flash {
		cp.FlashAttentionType = llama.FlashAttentionTypeEnabled
	}
	cp.KVUnified = b2u(m.p.Unified)
	if m.p.RowAttention {
		cp.TypeK = llama.GGMLTypeBF16 // values stay float16, the default
	}
	cp.AbortCallback, cp.AbortCallbackData = l.strlen, m.abort.addr()
	var err error
	if m.ctx, err = llama.InitFromModel(m.model, cp); err != nil {
		return fmt.Errorf("llama.cpp cannot make a context of %d slots with %d tokens: most likely too little memory: lower --slots or --context", m.p.Slots, m.p.Context)
	}
	if m.mem, err = llama.GetMemory(m.ctx); err != nil || m.mem == 0 {
		return errors.New("the model has no KV cache: this engine cannot generate with it")
	}
	if got := llama.NSeqMax(m.ctx); int(got) != m.p.Slots {
		return fmt.Errorf("llama.cpp gives %d slots, %d were asked for: lower --slots", got, m.p.Slots)
	}
	m.batch = llama.BatchInit(int32(m.p.Batch), 0, 1)
	return nil
}

// Context is the tokens that a slot may hold.
func (m *Model) Context() int { return m.p.Context }

// Close frees the context, and the model unless this is a fork.
func (m *Model) Close() {
	if m.batch.Token != nil {
		_ = llama.BatchFree(m.batch)
	}
	if m.ctx != 0 {
		_ = llama.Free(m.ctx)
	}
	if !m.forked {
		_ = llama.ModelFree(m.model)
	}
	runtime.KeepAlive(m.abort.b)
}

// Abort makes the native call in progress, and every later one, return ErrAborted until it is called with false.
// It is safe for concurrent use.
func (m *Model) Abort(stop bool) {
	v := uint32(0)
	if stop {
		v = 1 // little endian: the first byte is 1, the second ends the string
	}
	atomic.StoreUint32(m.abort.b, v)
}

func b2u(v bool) uint8 {
	if v {
		return 1
	}
	return 0
}
