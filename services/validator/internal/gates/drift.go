package gates

import (
	"fmt"
	"math"

	"github.com/leathq/leat/services/validator/internal/drift"
)

// DriftLimits say what drift is. A column has drifted where its test is significant and the change is large: with many rows every small change is significant, with few a large one may be chance.
type DriftLimits struct {
	Level float64 `yaml:"level" doc:"significance level for all columns together (p-values are corrected by Holm)"`
	Warn  float64 `yaml:"warn" doc:"population stability index that warns"`
	Fail  float64 `yaml:"fail" doc:"population stability index that fails"`
	Rows  uint64  `yaml:"rows" doc:"values that a verdict needs on either side"`
}

// DefaultDriftLimits are a level of 1 % and the customary 0.1 and 0.25, over at least 100 values.
func DefaultDriftLimits() DriftLimits {
	return DriftLimits{Level: 0.01, Warn: 0.1, Fail: 0.25, Rows: 100}
}

// Validate reports limits that contradict each other.
func (l DriftLimits) Validate() error {
	switch {
	case !(l.Level > 0 && l.Level < 1):
		return fmt.Errorf("level: %v is not between 0 and 1", l.Level)
	case !(l.Warn > 0) || !(l.Fail >= l.Warn):
		return fmt.Errorf("warn, fail: %v and %v: warn is above 0 and fail not below it", l.Warn, l.Fail)
	}
	return nil
}

// Drift compares the current data with a reference, a verdict a column, in order of names. Value is the population stability index. A column that only one side has is the schema gate's to judge: here it is unknown.
func Drift(reference, current drift.Profile, l DriftLimits) []Verdict {
	var out []Verdict
	for _, c := range drift.Compare(reference, current) {
		v := Verdict{Gate: GateDrift, Column: c.Name, Status: Unknown, Threshold: l.Fail}
		few := min(size(reference, c.Name), size(current, c.Name))
		switch {
		case c.Missing != "":
			v.Reason = fmt.Sprintf("column %q: %s", c.Name, c.Missing)
		case few < l.Rows:
			v.Reason = fmt.Sprintf("column %q: no verdict yet: %d values on one side, %d are needed", c.Name, few, l.Rows)
		default:
			v = l.judge(v, c)
		}
		out = append(out, v)
	}
	return out
}

func size(p drift.Profile, name string) uint64 {
	if n, ok := p.Numbers[name]; ok {
		return n.Count()
	}
	if c, ok := p.Categories[name]; ok {
		return c.Count()
	}
	return 0
}

func (l DriftLimits) judge(v Verdict, c drift.Column) Verdict {
	v.Value = c.Stability
	significant := c.Adjusted < l.Level
	switch {
	case significant && c.Stability >= l.Fail:
		v.Status = Fail
	case significant && c.Stability >= l.Warn:
		v.Status, v.Threshold = Warn, l.Warn
	default:
		v.Status = Pass
	}
	v.Reason = fmt.Sprintf("column %q: stability index %.3f, %s, p %.2g after correction", c.Name, c.Stability, moved(c), c.Adjusted)
	if !significant && c.Stability >= l.Warn {
		v.Reason += ": the change may be chance"
	}
	return v
}

func moved(c drift.Column) string {
	switch {
	case !c.Numeric:
		return fmt.Sprintf("%.1f %% of rows in other categories", 100*c.Distance)
	case math.IsInf(c.Distance, 1):
		return "moved where the reference does not vary"
	}
	return fmt.Sprintf("moved by %.2f deviations", c.Distance)
}
