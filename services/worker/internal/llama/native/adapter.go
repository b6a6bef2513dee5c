package native

import (
	"fmt"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// Adapter is a LoRA adapter of a model's weights, in memory. Load and Close belong to the model's goroutine.
type Adapter struct {
	h llama.AdapterLora
	// Plain: it holds matrices that are not quantised, whose kernels sum a lone row in another order than several.
	Plain bool
}

// LoadAdapter reads a LoRA adapter from a GGUF file. The error is one line that says what is wrong with the file.
func (m *Model) LoadAdapter(path string) (*Adapter, error) {
	k, err := readGGUF(path)
	if err != nil {
		return nil, fmt.Errorf("read adapter: %w", err)
	}
	arch, _ := llama.ModelMetaValStr(m.model, "general.architecture")
	switch {
	case k.strings["general.type"] != "adapter" || k.strings["adapter.type"] != "lora":
		return nil, fmt.Errorf("%s is no LoRA adapter: its general.type is %q and its adapter.type %q; convert the adapter with llama.cpp's convert_lora_to_gguf.py",
			path, k.strings["general.type"], k.strings["adapter.type"])
	case k.strings["general.architecture"] != arch:
		return nil, fmt.Errorf("%s is an adapter for the architecture %q; this model's is %q", path, k.strings["general.architecture"], arch)
	case k.types["adapter.lora.alpha"] != ggufFloat32:
		return nil, fmt.Errorf("%s has no adapter.lora.alpha as float32: convert it anew", path)
	case k.types["adapter.alora.invocation_tokens"] != 0:
		return nil, fmt.Errorf("%s is an activated LoRA (aLoRA), which this engine does not serve", path)
	}
	h, err := llama.AdapterLoraInit(m.model, path)
	if err != nil || h == 0 {
		return nil, fmt.Errorf("llama.cpp cannot load the adapter %s: it is damaged, or its tensors do not fit this model", path)
	}
	return &Adapter{h: h, Plain: k.plain}, nil
}

// Close frees the adapter. No context may use it any more.
func (a *Adapter) Close() { _ = llama.AdapterLoraFree(a.h) }

// Fork makes another context over the same weights and vocabulary, with slots of its own, to which an adapter is applied. It
// must be closed before the model and the adapter are.
func (m *Model) Fork(a *Adapter, slots int) (*Model, error) {
	n := &Model{Vocab: m.Vocab, p: m.p, model: m.model, Bytes: m.Bytes, Desc: m.Desc, Train: m.Train, abort: newFlag(), forked: true}
	n.p.Slots = slots
	if err := n.fits(); err != nil {
		return nil, err
	}
	if err := n.open(m.lib); err != nil {
		n.Close()
		return nil, err
	}
	if llama.SetAdaptersLora(n.ctx, []llama.AdapterLora{a.h}, []float32{1}) != 0 {
		n.Close()
		return nil, fmt.Errorf("llama.cpp cannot apply the adapter to this model")
	}
	return n, nil
}
