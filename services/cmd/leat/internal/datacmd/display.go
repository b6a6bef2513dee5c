package datacmd

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8/cwriter"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// jsonFormat is the other format than text.
const jsonFormat = "json"

// sayEvery spaces the lines where there is no terminal.
const sayEvery = 5 * time.Second

// display shows how a run fares.
type display interface {
	show(s *ingestorv1.RunState)
	note(text string)
	close()
}

// newDisplay fits where the output goes: bars on a terminal, lines elsewhere, a line of JSON for each state.
func newDisplay(s streams, format string) display {
	if format == jsonFormat {
		return &stateLines{out: s.out, err: s.err}
	}
	if f, ok := s.err.(*os.File); ok && cwriter.IsTerminal(int(f.Fd())) {
		if width, height, err := cwriter.GetSize(int(f.Fd())); err == nil && width > 0 && height > 0 {
			return newBars(f)
		}
	}
	return &lines{out: s.err, meters: meters{}}
}

// stateLines prints every state.
type stateLines struct{ out, err io.Writer }

func (j *stateLines) show(s *ingestorv1.RunState) { _ = printJSON(j.out, s) }
func (j *stateLines) note(text string)            { fmt.Fprintln(j.err, text) }
func (*stateLines) close()                        {}

// printJSON prints a message as a line of JSON.
func printJSON(out io.Writer, m proto.Message) error {
	data, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("spell the answer: %w", err)
	}
	_, err = fmt.Fprintf(out, "%s\n", data)
	return err
}

// lines says now and then how far a run is.
type lines struct {
	out    io.Writer
	meters meters
	said   time.Time
	phase  string
	worry  string
}

func (l *lines) show(s *ingestorv1.RunState) {
	now := time.Now()
	l.meters.take(s, now)
	if t := troubles(s); t != l.worry && t != "" && s.GetEndedUnixNanos() == 0 {
		fmt.Fprintln(l.out, "tried again: "+t)
	}
	l.worry = troubles(s)
	if s.GetPhase() == l.phase && now.Sub(l.said) < sayEvery || s.GetEndedUnixNanos() != 0 {
		return
	}
	l.phase, l.said = s.GetPhase(), now
	parts := []string{s.GetPhase()}
	for _, stage := range s.GetStages() {
		parts = append(parts, l.meters.text(s, stage, now))
	}
	fmt.Fprintln(l.out, strings.Join(parts, "; "))
}

func (l *lines) note(text string) { fmt.Fprintln(l.out, text) }
func (*lines) close()             {}

// text is how far a stage is, in words.
func (m meters) text(s *ingestorv1.RunState, stage *ingestorv1.StageState, now time.Time) string {
	rows, bytes := m.of(stage).rates()
	out := fmt.Sprintf("%s %d/%d partitions, %s rows, %s rows/s, %s/s", stage.GetName(), stage.GetDone(), stage.GetPartitions(),
		number(int64(stage.GetCounts().GetRowsIn())), number(int64(rows)), size(int64(bytes)))
	if left := m.left(s, stage, now); left > 0 {
		out += ", " + left.String() + " left"
	}
	return out
}

// troubles are what stages try again.
func troubles(s *ingestorv1.RunState) string {
	var out []string
	for _, stage := range s.GetStages() {
		if t := stage.GetTrouble(); t != nil {
			out = append(out, stage.GetName()+": "+t.GetMessage())
		}
	}
	return strings.Join(out, "; ")
}

// meters measure the stages of a run, by name.
type meters map[string]*meter

// meter measures a stage over the last seconds.
type meter struct{ samples []sample }

type sample struct {
	at          time.Time
	rows, bytes uint64
}

// window is over what a rate is taken.
const window = 5 * time.Second

func (m meters) of(s *ingestorv1.StageState) *meter {
	if m[s.GetName()] == nil {
		m[s.GetName()] = &meter{}
	}
	return m[s.GetName()]
}

// take notes where a run stands.
func (m meters) take(s *ingestorv1.RunState, now time.Time) {
	for _, stage := range s.GetStages() {
		x := m.of(stage)
		x.samples = append(x.samples, sample{now, stage.GetCounts().GetRowsIn(), stage.GetCounts().GetBytes()})
		for len(x.samples) > 2 && now.Sub(x.samples[1].at) > window {
			x.samples = x.samples[1:]
		}
	}
}

// rates are rows and Arrow bytes a second.
func (m *meter) rates() (rows, bytes float64) {
	if len(m.samples) < 2 {
		return 0, 0
	}
	first, last := m.samples[0], m.samples[len(m.samples)-1]
	seconds := last.at.Sub(first.at).Seconds()
	if seconds <= 0 || last.rows < first.rows || last.bytes < first.bytes {
		return 0, 0
	}
	return float64(last.rows-first.rows) / seconds, float64(last.bytes-first.bytes) / seconds
}

// done is the share of a stage that is done, by rows where the source could tell how many there are, else by partitions.
func done(s *ingestorv1.RunState, stage *ingestorv1.StageState) float64 {
	switch {
	case stage.GetFinished() != nil:
		return 1
	case s.GetInputRows() > 0:
		return min(1, float64(stage.GetCounts().GetRowsIn())/float64(s.GetInputRows()))
	case stage.GetPartitions() > 0:
		return float64(stage.GetDone()) / float64(stage.GetPartitions())
	}
	return 0
}

// left is how long a stage takes yet, to the second; 0: not known.
func (m meters) left(s *ingestorv1.RunState, stage *ingestorv1.StageState, now time.Time) time.Duration {
	share := done(s, stage)
	if share <= 0 || share >= 1 {
		return 0
	}
	if rows, _ := m.of(stage).rates(); s.GetInputRows() > 0 && rows > 0 {
		return seconds((1 - share) * float64(s.GetInputRows()) / rows)
	}
	since := now.Sub(time.Unix(0, cmp.Or(s.GetPlannedUnixNanos(), now.UnixNano())))
	return seconds(since.Seconds() * (1 - share) / share)
}

func seconds(s float64) time.Duration {
	return max(time.Second, time.Duration(min(s, 1e9)*float64(time.Second)).Round(time.Second))
}
