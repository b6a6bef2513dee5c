package worker

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// identity is what the worker serves, as last asked of the engine.
type identity struct{ now atomic.Pointer[served] }

// served does not change once it is published.
type served struct {
	base        []string // names of the model itself
	names       []string // by which clients ask: those, and with each adapter
	info        engine.Info
	description *inferv1.Description
}

func (i *identity) get() *served { return i.now.Load() }

// refresh takes the engine's facts over where they changed.
func (i *identity) refresh(worker, pool string, base []string, info engine.Info, started time.Time) {
	if old := i.now.Load(); old != nil && reflect.DeepEqual(old.info, info) {
		return
	}
	s := &served{base: base, names: slices.Clone(base), info: info, description: describe(worker, pool, base, info, started)}
	for _, a := range info.Adapters {
		s.names = append(s.names, withAdapter(base, a.Name)...)
	}
	i.now.Store(s)
}

// withAdapter are the names of a model with an adapter.
func withAdapter(base []string, adapter string) []string {
	out := make([]string, len(base))
	for i, name := range base {
		out[i] = name + ":" + adapter
	}
	return out
}

// find returns the adapter that a model's name asks for, nil for the model itself. It reports false where the worker does
// not serve that name.
func (s *served) find(model string) (adapter *engine.Adapter, ok bool) {
	if model == "" || slices.Contains(s.base, model) {
		return nil, true
	}
	for i := range s.info.Adapters {
		if a := &s.info.Adapters[i]; slices.Contains(withAdapter(s.base, a.Name), model) {
			return a, true
		}
	}
	return nil, false
}

// lacks tells that a name asks for an adapter of this model that is not loaded here.
func (s *served) lacks(model string) bool {
	return slices.ContainsFunc(s.base, func(b string) bool { return strings.HasPrefix(model, b+":") })
}

func describe(worker, pool string, names []string, info engine.Info, started time.Time) *inferv1.Description {
	d := &inferv1.Description{Pool: pool}
	for _, name := range names {
		d.Models = append(d.Models, model(name, info))
	}
	for _, a := range info.Adapters {
		with := info
		with.ModelVersion, with.Fingerprint, with.Exact, with.ExactNote = versionWith(info, a), a.Fingerprint, a.Exact, a.ExactNote
		for _, name := range withAdapter(names, a.Name) {
			d.Models = append(d.Models, model(name, with))
		}
	}
	// Workers of one pool with equal models have equal digests, so their names and start times are put in afterwards.
	b, err := deterministic.Marshal(d)
	if err == nil {
		sum := sha256.Sum256(b)
		d.Digest = hex.EncodeToString(sum[:8])
	}
	d.Worker = worker
	for _, m := range d.Models {
		m.CreatedUnix = started.Unix()
	}
	return d
}

func model(name string, info engine.Info) *inferv1.Model {
	return &inferv1.Model{
		Name: name, Engine: info.Engine, Version: info.ModelVersion, Fingerprint: info.Fingerprint, Exact: info.Exact,
		ExactNote: info.ExactNote, ContextLength: uint32(max(info.ContextLen, 0)), Chat: string(info.Chat), ChatTemplate: info.ChatTemplate,
		BosToken: info.BOS, EosToken: info.EOS, PadToken: info.PAD, Params: info.Params, UnaryBlocks: info.UnaryBlocks,
		Tokenizes: info.Tokenizes,
	}
}

// versionWith is the version of a model with an adapter.
func versionWith(info engine.Info, a engine.Adapter) string {
	return info.ModelVersion + "+" + a.Version
}
