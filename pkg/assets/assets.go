package assets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Spec says what is wanted. Its zero value is the prebuilt engine libraries of
// this platform and the default model.
type Spec struct {
	// EngineLib is a directory that already has the engine libraries; empty means fetch them.
	EngineLib string
	// Model is a GGUF file's path, "hf:owner/repo/file.gguf[@revision]", or empty for the default model.
	Model string
	// NoEngine and NoModel leave one half out, for a caller that needs only the other.
	NoEngine, NoModel bool
}

// Paths says where the things are. They are absolute.
type Paths struct {
	EngineLib string // directory with libllama, libggml and the backends; empty with Spec.NoEngine
	Model     string // GGUF file (the first part, where it has several); empty with Spec.NoModel
	ModelName string // what to call the model: DefaultModel, or the file's name without .gguf
}

// piece is one thing that has to be in place.
type piece interface {
	// title is what a person reads in a progress line or an error.
	title() string
	// cached returns the path when the piece is complete on disk, else "" and, where that is worth telling, why.
	cached() (path, why string, err error)
	// fetch brings it into place; it is called under the cache's lock.
	fetch(ctx context.Context, s *session) error
}

// Ensure puts everything in spec in place and returns where it is. What is
// already in the cache costs one stat per file and no network; the rest is
// fetched, both halves at once, under a lock that other processes respect.
// Errors are for people: they name what failed and the ways round. Safe for
// concurrent use.
func Ensure(ctx context.Context, spec Spec, opt Options) (Paths, error) {
	opt, err := opt.complete(os.Getenv)
	if err != nil {
		return Paths{}, err
	}
	pieces, paths, err := plan(spec, opt)
	if err != nil {
		return Paths{}, err
	}
	if err := ensure(ctx, pieces, opt); err != nil {
		return Paths{}, err
	}
	return paths()
}

// ensure fetches what is not complete on disk, unless it may not.
func ensure(ctx context.Context, pieces []piece, opt Options) error {
	missing, err := lookup(pieces)
	if err != nil || len(missing) == 0 {
		return err
	}
	if opt.Offline {
		return offlineError(missing, opt.CacheDir)
	}
	return fetchAll(ctx, pieces, opt)
}

// plan turns the spec into pieces, and a function that reads the final paths off them.
func plan(spec Spec, opt Options) ([]piece, func() (Paths, error), error) {
	var pieces []piece
	var engine, model piece
	name := DefaultModel
	var err error
	if !spec.NoEngine {
		if engine, err = planEngine(spec.EngineLib, opt); err != nil {
			return nil, nil, err
		}
		pieces = append(pieces, engine)
	}
	if !spec.NoModel {
		if model, name, err = planModel(spec.Model, opt); err != nil {
			return nil, nil, err
		}
		pieces = append(pieces, model)
	}
	return pieces, func() (p Paths, err error) {
		if engine != nil {
			if p.EngineLib, err = present(engine); err != nil {
				return Paths{}, err
			}
		}
		if model != nil {
			p.ModelName = name
			if p.Model, err = present(model); err != nil {
				return Paths{}, err
			}
		}
		return p, nil
	}, nil
}

func planEngine(dir string, opt Options) (piece, error) {
	if dir != "" {
		return localEngine{dir: dir}, nil
	}
	src, name, err := hostEngine()
	if err != nil {
		return nil, err
	}
	return &enginePiece{src: src, dir: filepath.Join(opt.CacheDir, "engine", name)}, nil
}

func planModel(model string, opt Options) (piece, string, error) {
	switch {
	case model == "":
		src, err := defaultModel()
		return &modelPiece{src: src, path: filepath.Join(opt.CacheDir, "models", defaultModelFile)}, DefaultModel, err
	case isHub(model):
		ref, err := ParseHub(model)
		if err != nil {
			return nil, "", err
		}
		return newHubPiece(ref, opt), ref.modelName(), nil
	}
	return localModel{path: model}, modelName(model), nil
}

// lookup returns the pieces that are not complete on disk.
func lookup(pieces []piece) (missing []piece, err error) {
	for _, p := range pieces {
		path, _, err := p.cached()
		if err != nil {
			return nil, err
		}
		if path == "" {
			missing = append(missing, p)
		}
	}
	return missing, nil
}

func present(p piece) (string, error) {
	path, why, err := p.cached()
	if err != nil {
		return "", err
	}
	if path == "" {
		return "", fmt.Errorf("%s: still incomplete after fetching: %s", p.title(), why)
	}
	return filepath.Abs(path)
}

// fetchAll fetches what is missing under the cache's lock, all pieces at once.
func fetchAll(ctx context.Context, pieces []piece, opt Options) error {
	if err := os.MkdirAll(opt.CacheDir, 0o755); err != nil {
		return fmt.Errorf("make the cache directory (LEAT_CACHE chooses another): %w", err)
	}
	unlock, err := lockFile(ctx, filepath.Join(opt.CacheDir, ".lock"), opt.waiting)
	if err != nil {
		return err
	}
	defer unlock()
	missing, err := lookup(pieces) // another process may have fetched them meanwhile
	if err != nil || len(missing) == 0 {
		return err
	}
	s := newSession(opt)
	s.sweep()
	defer s.bars.wait()
	errs := make([]error, len(missing))
	var wg sync.WaitGroup
	for i, p := range missing {
		if _, why, _ := p.cached(); why != "" && why != neverFetched {
			s.bars.say("%s: %s; fetching again", p.title(), why)
		}
		wg.Go(func() {
			if err := p.fetch(ctx, s); err != nil {
				errs[i] = fmt.Errorf("%s: %w", p.title(), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
