package datacmd

import (
	"context"
	"fmt"
	"time"

	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// askFor is how long an answer may take.
const askFor = 15 * time.Second

// runCommands are those about runs.
func runCommands() []*ranCommand {
	return []*ranCommand{runCommand(), statusCommand(), runsCommand(), watchCommand(), cancelCommand(), resumeCommand()}
}

func statusCommand() *ranCommand {
	o := &struct {
		AddrOption   `yaml:",inline"`
		FormatOption `yaml:",inline"`
	}{AddrOption{nearby}, FormatOption{"text"}}
	return &ranCommand{
		"status", "[RUN]", "Shows how a run fares, or without RUN which there are.", []string{"leat data status", "leat data status RUN", "leat data status RUN --format json"},
		0, 1, o, &o.Addr, func(ctx context.Context, c *caller, operands []string) error {
			if len(operands) == 0 {
				return c.list(ctx, &listOptions{FormatOption: o.FormatOption})
			}
			ctx, cancel := context.WithTimeout(ctx, askFor)
			defer cancel()
			got, err := c.GetRun(ctx, &ingestorv1.GetRunRequest{Run: operands[0]})
			switch {
			case err != nil:
				return c.said(err)
			case o.Format == jsonFormat:
				return printJSON(c.s.out, got.GetState())
			}
			return c.state(got.GetState())
		},
	}
}

type listOptions struct {
	AddrOption   `yaml:",inline"`
	FormatOption `yaml:",inline"`
	Name         string `yaml:"name" flag:"name" doc:"only runs of this name"`
	Limit        uint32 `yaml:"limit" flag:"limit" doc:"at most so many; 0: 50"`
}

func runsCommand() *ranCommand {
	o := &listOptions{AddrOption: AddrOption{nearby}, FormatOption: FormatOption{"text"}}
	return &ranCommand{
		"runs", "", "Lists the runs that wait or are under way and the last that have ended, the newest first.", []string{"leat data runs", "leat data runs --name articles --limit 5"},
		0, 0, o, &o.Addr, func(ctx context.Context, c *caller, _ []string) error { return c.list(ctx, o) },
	}
}

func (c *caller) list(ctx context.Context, o *listOptions) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	got, err := c.ListRuns(ctx, &ingestorv1.ListRunsRequest{Name: o.Name, Limit: o.Limit})
	if err != nil {
		return c.said(err)
	}
	if o.Format == jsonFormat {
		return printJSON(c.s.out, got)
	}
	if len(got.GetStates()) == 0 {
		fmt.Fprintln(c.s.err, "there are no runs yet: start one with `leat data run FILE.yaml`")
		return nil
	}
	w := table(c.s.out)
	fmt.Fprintf(w, "RUN\tNAME\tSTATE\tPLANNED\tTOOK\tIN\tVALID\tQUARANTINED\tREFUSED\tDATASET\n")
	for _, s := range got.GetStates() {
		n := s.GetCounts()
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.GetRun().GetId(), clean(s.GetRun().GetName()), s.GetPhase(), moment(s.GetPlannedUnixNanos()), length(s),
			number64(n.GetRowsIn()), number64(n.GetValid()), number64(n.GetQuarantined()), number64(n.GetRefused()), clean(s.GetRun().GetTarget().GetDataset()))
	}
	return w.Flush()
}

// length is how long a run took.
func length(s *ingestorv1.RunState) string {
	if s.GetPlannedUnixNanos() == 0 || s.GetEndedUnixNanos() == 0 {
		return "-"
	}
	return time.Duration(s.GetEndedUnixNanos() - s.GetPlannedUnixNanos()).Round(100 * time.Millisecond).String()
}

func cancelCommand() *ranCommand {
	o := &struct {
		AddrOption `yaml:",inline"`
		Reason     string `yaml:"reason" flag:"reason" doc:"why, for whoever looks at it later"`
	}{AddrOption: AddrOption{nearby}}
	return &ranCommand{
		"cancel", "RUN", "Ends a run at its next batch, or before it begins. What it wrote stays for resume.", []string{"leat data cancel RUN --reason 'wrong folder'"},
		1, 1, o, &o.Addr, func(ctx context.Context, c *caller, operands []string) error {
			ctx, cancel := context.WithTimeout(ctx, askFor)
			defer cancel()
			if _, err := c.Cancel(ctx, &ingestorv1.CancelRequest{Run: operands[0], Reason: o.Reason}); err != nil {
				return c.said(err)
			}
			fmt.Fprintf(c.s.err, "run %s is cancelled; `leat data resume %s%s` would go on where it stood\n", operands[0], operands[0], c.elsewhere())
			return nil
		},
	}
}

func resumeCommand() *ranCommand {
	o := &struct {
		AddrOption   `yaml:",inline"`
		FormatOption `yaml:",inline"`
		Detach       bool `yaml:"detach" flag:"detach" doc:"leave the run instead of watching it to its end"`
	}{AddrOption: AddrOption{nearby}, FormatOption: FormatOption{"text"}}
	return &ranCommand{
		"resume", "RUN", "Takes a failed or cancelled run up where it stood, and watches it to its end. Ctrl-C leaves the run going.", []string{"leat data resume RUN"},
		1, 1, o, &o.Addr, func(ctx context.Context, c *caller, operands []string) error {
			asked, cancel := context.WithTimeout(ctx, askFor)
			defer cancel()
			got, err := c.Resume(asked, &ingestorv1.ResumeRequest{Run: operands[0]})
			if err != nil {
				return c.said(err)
			}
			fmt.Fprintf(c.s.err, "run %s goes on, try %d\n", operands[0], got.GetAttempt()+1)
			if o.Detach {
				return nil
			}
			return c.watch(ctx, operands[0], o.Format)
		},
	}
}
