package report

import (
	"fmt"
	"time"

	"github.com/leathq/leat/services/validator/internal/gates"
)

// gateView is what a gate says.
type gateView struct {
	Name, Column, Reason string
	Mark                 mark
}

func gateOf(g gates.Verdict, r Redact) gateView {
	m := map[gates.Status]mark{
		gates.Pass: {"✓", "pass", "good"}, gates.Fail: {"✗", "fail", "bad"}, gates.Warn: {"!", "look at it", "unclear"},
		gates.Skip: {"–", "skipped", "plain"}, gates.Unknown: {"?", "unknown", "plain"},
	}[g.Status]
	why := RedactPII.soft(r, g.Reason)
	if r == RedactAll && g.Gate == gates.GateFreshness && g.Status != gates.Unknown { // it tells the newest value
		why = fmt.Sprintf("the newest value is %s old, %s may be", seconds(g.Value), seconds(g.Threshold))
	}
	return gateView{Name: spaced(g.Gate), Column: cut(g.Column, nameShown), Reason: why, Mark: m}
}

func seconds(n float64) time.Duration { return time.Duration(n) * time.Second }
