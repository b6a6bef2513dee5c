package datacmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor"
)

// InputOptions say what to read; they are exported for their fields to be settings of what embeds them.
type InputOptions struct {
	Type   string   `yaml:"type" flag:"type" doc:"what the files are: parquet, arrow, jsonl, csv, tsv, text, html, warc, delta or huggingface; empty: what their names say"`
	Source []string `yaml:"source" flag:"source" doc:"more keys of the source (docs/sources.md), such as delimiter=;"`
}

// input is files that are read within this process, without a server.
type input struct {
	source ingestor.Source
	plan   *ingestor.SourcePlan
	spool  string // the file that standard input is kept in; empty: it is not read
	close  func()
}

// pieceBytes is about how much of the files one goroutine takes at a time. It is no setting, and results do not depend on it.
const pieceBytes = 32 << 20

// open plans files, directories and globs; - is standard input.
func (o *InputOptions) open(ctx context.Context, paths []string, in io.Reader) (*input, error) {
	i := &input{close: func() {}}
	spec, err := o.spec(paths, in, i)
	if err != nil {
		i.close()
		return nil, err
	}
	if i.source, err = ingestor.FileSources().Make(spec, ingestor.SourceDeps{Getenv: os.Getenv}); err == nil {
		i.plan, err = i.source.Plan(ctx, nil)
	}
	if err != nil {
		i.close()
		return nil, err
	}
	return i, nil
}

// spec is what stands under `source:` of a run that reads the same.
func (o *InputOptions) spec(paths []string, in io.Reader, i *input) ([]byte, error) {
	kind, err := o.kind(paths)
	if err != nil {
		return nil, err
	}
	if len(paths) == 1 && paths[0] == "-" {
		if paths, err = i.keep(in); err != nil {
			return nil, err
		}
	}
	spec := yaml.MapSlice{{Key: "type", Value: kind}, {Key: "paths", Value: paths}}
	if kind == "delta" {
		spec[1] = yaml.MapItem{Key: "path", Value: paths[0]}
	}
	if kind == "huggingface" {
		spec[1].Key, spec[1].Value = "path", paths[0]
	} else {
		spec = append(spec, yaml.MapItem{Key: "partition_bytes", Value: pieceBytes}, yaml.MapItem{Key: "max_partitions", Value: 256})
	}
	asked := false
	for _, kv := range o.Source {
		asked = asked || strings.HasPrefix(kv, "max_bad=")

		key, value, ok := strings.Cut(kv, "=")
		if !ok {
			return nil, wrong("--source %q is no key=value of a source", kv)
		}
		var v any
		if err := yaml.Unmarshal([]byte(value), &v); err != nil || v == nil {
			v = value // such as |
		}
		spec = append(spec, yaml.MapItem{Key: key, Value: v})
	}
	if !asked { // they are counted and shown
		spec = append(spec, yaml.MapItem{Key: "max_bad", Value: "100%"})
	}
	return yaml.Marshal(spec)
}

// kind is the type of source: the one that was asked for, or what the first file's name says.
func (o *InputOptions) kind(paths []string) (string, error) {
	if o.Type != "" {
		return o.Type, nil
	}
	if paths[0] == "-" {
		return "", wrong("--type is needed with standard input: parquet, jsonl, csv …")
	}
	files, _ := filepath.Glob(paths[0])
	if len(files) == 0 {
		return "", fmt.Errorf("there is no file %s", paths[0])
	}
	name := files[0]
	if s, err := os.Stat(name); err == nil && s.IsDir() {
		if _, err := os.Stat(filepath.Join(name, "_delta_log")); err == nil {
			return "delta", nil
		}
		if name = firstFile(name); name == "" {
			return "", fmt.Errorf("directory %s has no file whose name says what it is; say --type text, jsonl, csv …", paths[0])
		}
	}
	if kind := ingestor.FileType(name); kind != "" {
		return kind, nil
	}
	return "", wrong("the name of %s does not say what it is; say --type parquet, jsonl, csv …", name)
}

// firstFile is the first file below a directory, in the order of names, whose ending is known.
func firstFile(dir string) (found string) {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(d.Name(), ".") && ingestor.FileType(path) != "" {
			found = path
			return filepath.SkipAll
		}
		return nil
	})
	return found
}

// keep keeps standard input in a file, since files are read more than once.
func (i *input) keep(in io.Reader) ([]string, error) {
	dir, err := os.MkdirTemp("", "leat-")
	if err != nil {
		return nil, fmt.Errorf("keep standard input: %w", err)
	}
	i.close = func() { _ = os.RemoveAll(dir) }
	f, err := os.Create(filepath.Join(dir, "stdin"))
	if err != nil {
		return nil, fmt.Errorf("keep standard input: %w", err)
	}
	_, err = io.Copy(f, in)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("keep standard input: %w", err)
	}
	i.spool = f.Name()
	return []string{f.Name()}, nil
}

// part reads one partition.
func (i *input) part(ctx context.Context, p ingestor.SourcePart, take func(*arrowio.Batch, []ingestor.Refused) error) error {
	s, err := i.source.Open(ctx, p, nil)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	for {
		c, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for n := range c.Rejects {
			if c.Rejects[n].File == i.spool {
				c.Rejects[n].File = "-" // as it was named
			}
		}
		if err := take(c.Batch, c.Rejects); err != nil {
			return err
		}
	}
}

// each has do work on every partition by all cores, and hands what came of it to join in the order of the partitions. No more than twice as many partitions as
// there are cores are in work or wait to be joined, so that memory does not grow with the input.
func each[T any](ctx context.Context, parts []ingestor.SourcePart, do func(context.Context, ingestor.SourcePart) (T, error), join func(T) error) error {
	type outcome struct {
		of  T
		err error
	}
	ctx, cancel := context.WithCancel(ctx)
	cores := runtime.GOMAXPROCS(0)
	results := make(chan chan outcome, cores)
	turn := make(chan struct{}, cores)
	var work sync.WaitGroup
	work.Go(func() {
		defer close(results)
		for _, p := range parts {
			out := make(chan outcome, 1)
			select {
			case results <- out:
			case <-ctx.Done():
				return
			}
			turn <- struct{}{}
			work.Go(func() {
				defer func() { <-turn }()
				of, err := do(ctx, p)
				out <- outcome{of, err}
			})
		}
	})
	defer work.Wait()
	defer cancel()
	for out := range results {
		o := <-out
		if o.err != nil {
			return o.err
		}
		if err := join(o.of); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// progress says now and then on a terminal how far reading is.
type progress struct {
	sync.Mutex
	out         io.Writer // nil: nobody looks
	rows, total int64
	said        time.Time
}

// barOf shows how far reading an input is.
func barOf(in *input, out io.Writer) *progress {
	bar := &progress{out: terminal(out)}
	for _, p := range in.plan.Parts {
		bar.total += p.Rows
	}
	return bar
}

func (p *progress) add(rows int) {
	p.Lock()
	defer p.Unlock()
	p.rows += int64(rows)
	if p.out == nil || time.Since(p.said) < 200*time.Millisecond {
		return
	}
	p.said = time.Now()
	of := ""
	if p.total > 0 {
		of = " of about " + number(p.total)
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s%s rows", number(p.rows), of)
}

func (p *progress) end() {
	if p.out != nil && !p.said.IsZero() {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
