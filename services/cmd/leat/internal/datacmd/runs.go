package datacmd

import (
	"context"
	"fmt"
	"time"

	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// askFor is how long an answer may take.
const askFor = 15 * time.Second

func statusCommand() command {
	o := newShown()
	return ran(command{
		name: "status", operands: "[RUN]", most: 1, own: &o, about: "Shows how a run fares, or without RUN which there are.",
		examples: []string{"leat data status", "leat data status RUN", "leat data status RUN --format json"},
	}, &o.AddrOption, func(ctx context.Context, c *caller) error {
		if len(c.operands) == 0 {
			return c.list(ctx, &listOptions{ShownOptions: o})
		}
		ctx, cancel := context.WithTimeout(ctx, askFor)
		defer cancel()
		got, err := c.GetRun(ctx, &ingestorv1.GetRunRequest{Run: c.run()})
		switch {
		case err != nil:
			return c.said(err)
		case o.Format == jsonFormat:
			return printJSON(c.out, got.GetState())
		}
		return c.state(got.GetState())
	})
}

type listOptions struct {
	ShownOptions `yaml:",inline"`
	Name         string `yaml:"name" flag:"name" doc:"only runs of this name"`
	Limit        uint32 `yaml:"limit" flag:"limit" doc:"at most so many; 0: 50"`
}

func runsCommand() command {
	o := &listOptions{ShownOptions: newShown()}
	return ran(command{
		name: "runs", own: o, about: "Lists the runs that wait or are under way and the last that have ended, the newest first.",
		examples: []string{"leat data runs", "leat data runs --name articles --limit 5"},
	}, &o.AddrOption, func(ctx context.Context, c *caller) error { return c.list(ctx, o) })
}

func (c *caller) list(ctx context.Context, o *listOptions) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	got, err := c.ListRuns(ctx, &ingestorv1.ListRunsRequest{Name: o.Name, Limit: o.Limit})
	if err != nil {
		return c.said(err)
	}
	if o.Format == jsonFormat {
		return printJSON(c.out, got)
	}
	if len(got.GetStates()) == 0 {
		fmt.Fprintln(c.err, "there are no runs yet: start one with `leat data run FILE.yaml`")
		return nil
	}
	w := table(c.out)
	fmt.Fprintf(w, "RUN\tNAME\tSTATE\tPLANNED\tTOOK\tIN\tVALID\tQUARANTINED\tREFUSED\tDATASET\n")
	for _, s := range got.GetStates() {
		took := "-"
		if d := lasted(s); d > 0 {
			took = max(d.Round(100*time.Millisecond), 100*time.Millisecond).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.GetRun().GetId(), clean(s.GetRun().GetName()), s.GetPhase(), moment(s.GetPlannedUnixNanos()), took,
			rows(s.GetCounts()), clean(s.GetRun().GetTarget().GetDataset()))
	}
	return w.Flush()
}

type cancelOptions struct {
	AddrOption `yaml:",inline"`
	Reason     string `yaml:"reason" flag:"reason" doc:"why, for whoever looks at it later"`
}

func cancelCommand() command {
	o := &cancelOptions{AddrOption: AddrOption{nearby}}
	return ran(command{
		name: "cancel", operands: "RUN", least: 1, most: 1, own: o, about: "Ends a run at its next batch, or before it begins. What it wrote stays for resume.",
		examples: []string{"leat data cancel RUN --reason 'wrong folder'"},
	}, &o.AddrOption, func(ctx context.Context, c *caller) error {
		ctx, cancel := context.WithTimeout(ctx, askFor)
		defer cancel()
		if _, err := c.Cancel(ctx, &ingestorv1.CancelRequest{Run: c.run(), Reason: o.Reason}); err != nil {
			return c.said(err)
		}
		fmt.Fprintf(c.err, "run %s is cancelled; `leat data resume %s%s` would go on where it stood\n", c.run(), c.run(), c.elsewhere())
		return nil
	})
}

type resumeOptions struct {
	ShownOptions `yaml:",inline"`
	Detach       bool `yaml:"detach" flag:"detach" doc:"leave the run instead of watching it to its end"`
}

func resumeCommand() command {
	o := &resumeOptions{ShownOptions: newShown()}
	return ran(command{
		name: "resume", operands: "RUN", least: 1, most: 1, own: o, examples: []string{"leat data resume RUN"},
		about: "Takes a failed or cancelled run up where it stood, and watches it to its end. Ctrl-C leaves the run going.",
	}, &o.AddrOption, func(ctx context.Context, c *caller) error {
		asked, cancel := context.WithTimeout(ctx, askFor)
		defer cancel()
		got, err := c.Resume(asked, &ingestorv1.ResumeRequest{Run: c.run()})
		if err != nil {
			return c.said(err)
		}
		fmt.Fprintf(c.err, "run %s goes on, try %d\n", c.run(), got.GetAttempt()+1)
		if o.Detach {
			return nil
		}
		return c.watch(ctx, c.run(), o.Format)
	})
}
