package datacmd

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/dataset"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// summary says how a run ended, where what it made is, and what can be done next.
func (c *caller) summary(s *ingestorv1.RunState) error {
	w := table(c.out)
	run := s.GetRun()
	after := ""
	if d := lasted(s); d > 0 {
		after = " after " + max(d.Round(10*time.Millisecond), 10*time.Millisecond).String()
	}
	fmt.Fprintf(w, "run\t%s: %s%s\n", run.GetId(), s.GetPhase(), after)
	if s.GetPlannedUnixNanos() != 0 {
		fmt.Fprintf(w, "rows\t%s\n", books(s.GetCounts()))
	}
	if s.GetKnown() > 0 {
		fmt.Fprintf(w, "known\t%d left out, as earlier runs of %s have read them (--full reads all)\n", s.GetKnown(), run.GetName())
	}
	verdicts(w, s)
	for _, t := range s.GetTroubles() {
		fmt.Fprintf(w, "why\t%s: %s\n", t.GetCode(), cut(t.GetMessage(), 2000))
	}
	if s.GetVersion() != "" {
		at := run.GetTarget().GetDataset() + "@" + dataset.Short(s.GetVersion())
		fmt.Fprintf(w, "dataset\t%s\n\tleat data show %s\n", at, at)
		if reported(s) {
			fmt.Fprintf(w, "report\tleat data report %s\n", at)
		}
	}
	if (s.GetPhase() == "failed" || s.GetPhase() == "cancelled") && s.GetPlannedUnixNanos() != 0 {
		fmt.Fprintf(w, "next\tleat data resume %s%s   goes on where it stood\n", run.GetId(), c.elsewhere())
	}
	return w.Flush()
}

// lasted is how long a run that has ended took, to the nanosecond; 0: it never began, or goes on.
func lasted(s *ingestorv1.RunState) time.Duration {
	if s.GetPlannedUnixNanos() == 0 || s.GetEndedUnixNanos() == 0 {
		return 0
	}
	return time.Duration(s.GetEndedUnixNanos() - s.GetPlannedUnixNanos())
}

// books are counts in words.
func books(c *datav1.Counts) string {
	out := []string{number64(c.GetRowsIn()) + " in", number64(c.GetValid()) + " valid"}
	for _, x := range []struct {
		n    uint64
		what string
	}{{c.GetQuarantined(), "quarantined"}, {c.GetRefused(), "refused"}} {
		if x.n > 0 {
			out = append(out, number64(x.n)+" "+x.what)
		}
	}
	return strings.Join(out, ", ")
}

// rows are counts as columns: IN, VALID, QUARANTINED and REFUSED.
func rows(c *datav1.Counts) string {
	return strings.Join([]string{number64(c.GetRowsIn()), number64(c.GetValid()), number64(c.GetQuarantined()), number64(c.GetRefused())}, "\t")
}

// verdicts are what gates said. Those that passed are left out where they are many.
func verdicts(w io.Writer, s *ingestorv1.RunState) {
	for _, stage := range s.GetStages() {
		for _, v := range stage.GetFinished().GetVerdicts() {
			fmt.Fprintf(w, "%s\t%s  %s\n", clean(v.GetGate()), clean(v.GetStatus()), cut(v.GetReason(), 300))
		}
	}
}

// reported says whether a stage wrote a report.
func reported(s *ingestorv1.RunState) bool {
	for _, stage := range s.GetStages() {
		for _, o := range stage.GetFinished().GetObjects() {
			if o.GetRole() == "report" {
				return true
			}
		}
	}
	return false
}

// state prints a run that need not have ended, with its partitions where something is the matter with one, or there are few.
func (c *caller) state(s *ingestorv1.RunState) error {
	w := table(c.out)
	run := s.GetRun()
	fmt.Fprintf(w, "name\t%s\ntenant\t%s\nclass\t%s\nplanned\t%s\n", clean(run.GetName()), clean(run.GetTenant()), s.GetClass(), moment(s.GetPlannedUnixNanos()))
	if s.GetAttempt() > 0 {
		fmt.Fprintf(w, "resumed\t%d times\n", s.GetAttempt())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(s.GetStages()) > 0 {
		fmt.Fprintf(w, "\nSTAGE\tPARTITIONS\tIN\tVALID\tQUARANTINED\tREFUSED\tSIZE\t\n")
	}
	for _, stage := range s.GetStages() {
		note := ""
		if stage.GetTrouble() != nil {
			note = "tried again: " + cut(stage.GetTrouble().GetMessage(), 500)
		}
		n := stage.GetCounts()
		fmt.Fprintf(w, "%s\t%d/%d\t%s\t%s\t%s\n", stage.GetName(), stage.GetDone(), stage.GetPartitions(), rows(n), size(int64(n.GetBytes())), note)
	}
	partitions(w, s)
	if len(s.GetStages()) > 0 {
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return c.summary(s)
}

// fewPartitions are shown one by one.
const fewPartitions = 16

func partitions(w io.Writer, s *ingestorv1.RunState) {
	shown := false
	for _, stage := range s.GetStages() {
		for _, p := range stage.GetStates() {
			if p.GetFailed() == nil && (len(stage.GetStates()) > fewPartitions || s.GetEndedUnixNanos() != 0) {
				continue
			}
			if !shown {
				fmt.Fprintf(w, "\nPARTITION\tSTATE\tIN\tVALID\tQUARANTINED\tREFUSED\tSIZE\tBY\n")
				shown = true
			}
			state := "under way"
			switch {
			case p.GetFailed() != nil:
				state = "failed"
			case p.GetDone():
				state = "done"
			case p.GetReplica() == "":
				state = "waits"
			}
			n := p.GetCounts()
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", path.Join(stage.GetName(), fmt.Sprint(p.GetNumber())), state, rows(n), size(int64(n.GetBytes())), cmp.Or(clean(p.GetReplica()), "-"))
		}
	}
}

// moment is a time for people.
func moment(nanos int64) string {
	if nanos == 0 {
		return "-"
	}
	return time.Unix(0, nanos).UTC().Format("2006-01-02 15:04:05 MST")
}
