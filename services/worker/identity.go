package worker

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"sync/atomic"
	"time"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// identity is what the worker serves, as last asked of the engine.
type identity struct{ now atomic.Pointer[served] }

// served does not change once it is published.
type served struct {
	names       []string // by which clients ask
	info        engine.Info
	description *inferv1.Description
}

func (i *identity) get() *served { return i.now.Load() }

// refresh takes the engine's facts over where they changed.
func (i *identity) refresh(worker, pool string, names []string, info engine.Info, started time.Time) {
	if old := i.now.Load(); old != nil && reflect.DeepEqual(old.info, info) {
		return
	}
	i.now.Store(&served{names: names, info: info, description: describe(worker, pool, names, info, started)})
}

func describe(worker, pool string, names []string, info engine.Info, started time.Time) *inferv1.Description {
	d := &inferv1.Description{Pool: pool}
	for _, name := range names {
		d.Models = append(d.Models, &inferv1.Model{
			Name: name, Engine: info.Engine, Version: info.ModelVersion, Fingerprint: info.Fingerprint, Exact: info.Exact,
			ExactNote: info.ExactNote, ContextLength: uint32(max(info.ContextLen, 0)), Chat: string(info.Chat), ChatTemplate: info.ChatTemplate,
			BosToken: info.BOS, EosToken: info.EOS, PadToken: info.PAD, Params: info.Params, UnaryBlocks: info.UnaryBlocks,
			Tokenizes: info.Tokenizes,
		})
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
