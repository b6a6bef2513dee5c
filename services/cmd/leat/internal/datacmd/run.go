package datacmd

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/bus"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	"github.com/leathq/leat/services/ingestor"
	"github.com/leathq/leat/services/ingestor/runfile"
	"github.com/leathq/leat/services/validator"
)

// runOptions are those of leat data run. What the file says holds where they are not given.
type runOptions struct {
	ShownOptions `yaml:",inline"`
	Set          []string `yaml:"set" flag:"set" doc:"KEY=VALUE in place of the file's, such as source.path=raw; may be given several times"`
	Since        string   `yaml:"since" flag:"since" doc:"only what is not older: 2026-01-31, a time such as 2026-01-31T12:00:00Z, or a watermark in JSON"`
	Full         bool     `yaml:"full" flag:"full" doc:"read everything, also what earlier runs of the name have read"`
	FailFast     bool     `yaml:"fail_fast" flag:"fail-fast" doc:"the first row that fails a check fails the run"`
	Quarantine   string   `yaml:"max_quarantine" flag:"max-quarantine" doc:"rows, or a share such as 2%, that may fail checks; more make the run invalid; empty: the file's, else any"`
	Detach       bool     `yaml:"detach" flag:"detach" doc:"print the run's id and leave it, instead of watching it to its end"`
	Class        string   `yaml:"class" flag:"class" doc:"high, normal or bulk: work on runs of a class goes before that of the next; default: the file's, else bulk"`
	Tenant       string   `yaml:"tenant" flag:"tenant" doc:"whose run it is; default: the file's, else default"`
	ID           string   `yaml:"id" flag:"id" doc:"the run's id: submitting one again changes nothing; default: the name and the time"`
}

func runCommand() command {
	o := &runOptions{ShownOptions: newShown()}
	return ran(command{
		name: "run", operands: "FILE.yaml", least: 1, most: 1, own: o, about: "Starts the data run that a file describes, and watches it to its end. Ctrl-C leaves the run going.",
		examples: []string{"leat data run articles.yaml", "leat data run articles.yaml --set source.path=/data/raw --full", "leat data run articles.yaml --detach"},
	}, &o.AddrOption, func(ctx context.Context, c *caller) error { return o.run(ctx, c, c.operands[0]) })
}

func (o *runOptions) run(ctx context.Context, c *caller, path string) error {
	set := rejoined(o.Set)
	if o.FailFast {
		set = append(set, "validate.fail_fast=true")
	}
	if o.Quarantine != "" {
		set = append(set, "validate.max_quarantine="+o.Quarantine)
	}
	f, err := runfile.Read(path, runfile.Options{Files: ingestor.FileSources().Kinds(), Getenv: os.LookupEnv, Set: set})
	if err != nil {
		return err
	}
	for _, note := range f.Notes {
		fmt.Fprintln(c.err, note)
	}
	run := o.over(f, path)
	for _, stage := range run.GetStages() { // the ingestor leaves it to validators, which look at it when rows come
		if stage.GetKind() == validator.Kind {
			if err := validator.CheckSpec(stage.GetSpec()); err != nil {
				return fmt.Errorf("%s: %s: %w", path, stage.GetName(), err)
			}
		}
	}
	class := f.Class
	if o.Class != "" {
		class = o.Class
	}
	asked, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := c.Submit(asked, &ingestorv1.SubmitRequest{Run: run, Class: class, Job: true}); err != nil {
		return fmt.Errorf("%s: %w", path, c.said(err))
	}
	if o.Detach {
		if o.Format == jsonFormat {
			return printJSON(c.out, &ingestorv1.SubmitResponse{Run: run.GetId()})
		}
		fmt.Fprintln(c.out, run.GetId())
		fmt.Fprintf(c.err, "watch it with `leat data watch %s%s`\n", run.GetId(), c.elsewhere())
		return nil
	}
	fmt.Fprintf(c.err, "run %s\n", run.GetId())
	return c.watch(ctx, run.GetId(), o.Format)
}

// over is the file's run with what flags say in its place.
func (o *runOptions) over(f *runfile.File, path string) *datav1.Run {
	run := f.Run
	run.Full = run.GetFull() || o.Full
	for _, v := range []struct {
		into *string
		flag string
	}{{&run.Since, o.Since}, {&run.Tenant, o.Tenant}, {&run.Id, o.ID}} {
		if v.flag != "" {
			*v.into = v.flag
		}
	}
	if run.GetName() == "" {
		run.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	if run.GetId() == "" {
		run.Id = newID(run.GetName(), time.Now())
	}
	return run
}

// newID is a run's that people can tell from others.
func newID(name string, now time.Time) string {
	short := bus.Token(name)
	return fmt.Sprintf("%s-%s-%s", short[:min(len(short), 80)], now.UTC().Format("20060102-150405"), strings.ToLower(rand.Text()[:4]))
}

// rejoined puts together what was cut at commas within a value, such as paths=[a, b].
func rejoined(set []string) []string {
	var out []string
	for _, s := range set {
		key, _, whole := strings.Cut(s, "=")
		if whole && !strings.ContainsAny(key, " {[\"'") || len(out) == 0 {
			out = append(out, s)
			continue
		}
		out[len(out)-1] += "," + s
	}
	return out
}

// elsewhere is the flag that names the ingestor, where that is not the usual one.
func (c *caller) elsewhere() string {
	if c.addr == nearby {
		return ""
	}
	return " --addr " + c.addr
}
