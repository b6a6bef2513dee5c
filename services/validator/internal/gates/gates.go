// Package gates judges a data set as a whole, around its expectations: whether there is enough of it, whether it has the schema that was pinned, is fresh, is of the size and has the missing values that earlier
// runs had, and is distributed like a reference.
//
// Gates are functions of numbers that others have counted: nothing here reads data, a clock or a store.
package gates

import (
	"fmt"
	"strings"
	"time"
)

// Status is what a gate says.
type Status string

// Statuses. Only Fail says that the data is bad.
const (
	Pass    Status = "pass"
	Warn    Status = "warn"    // look at it
	Fail    Status = "fail"    // do not use it
	Skip    Status = "skip"    // nothing wrong, but not worth the steps that follow
	Unknown Status = "unknown" // no verdict yet: what it would be judged by is missing
)

// Verdict is what one gate says, and by what. Value and Threshold are numbers that JSON can hold; the unit is the gate's.
type Verdict struct {
	Gate      string  `json:"gate"`
	Status    Status  `json:"status"`
	Column    string  `json:"column,omitempty"`
	Value     float64 `json:"value"`
	Threshold float64 `json:"threshold"`
	Reason    string  `json:"reason"`
}

// Overall is the status of all verdicts together: fail if one fails, else skip if one skips, else warn if one warns, else pass. Unknown ones hold nothing up; of nothing but those it is unknown.
func Overall(verdicts []Verdict) Status {
	seen := map[Status]bool{}
	for _, v := range verdicts {
		seen[v.Status] = true
	}
	for _, s := range []Status{Fail, Skip, Warn, Pass, Unknown} {
		if seen[s] {
			return s
		}
	}
	return Pass
}

// Names of the gates.
const (
	GateNewRows   = "new_rows"
	GateEmpty     = "empty_data"
	GateAway      = "quarantine"
	GateSchema    = "schema"
	GateFreshness = "freshness"
	GateVolume    = "volume"
	GateNullRate  = "null_rate"
	GateDrift     = "drift"
)

// DefaultMinRows is the number of new rows below which the steps after validation are skipped.
const DefaultMinRows = 1000

// NewRows skips later steps where fewer than least rows are new: training on a handful is waste, not an error. Value is rows.
func NewRows(rows, least int64) Verdict {
	v := Verdict{Gate: GateNewRows, Status: Pass, Value: float64(rows), Threshold: float64(least), Reason: fmt.Sprintf("%d new rows, at least %d are asked for", rows, least)}
	if rows < least {
		v.Status = Skip
		v.Reason = fmt.Sprintf("%d new rows are fewer than the %d that are worth the later steps: they are skipped until there are more", rows, least)
	}
	return v
}

// Quarantine fails a data set of which more than most rows failed a check each, though its expectations may allow for that. Value is rows.
func Quarantine(away, rows, most int64) Verdict {
	v := Verdict{Gate: GateAway, Status: Pass, Value: float64(away), Threshold: float64(most), Reason: fmt.Sprintf("%d of %d rows are in quarantine, at most %d may be", away, rows, most)}
	if away > most {
		v.Status = Fail
		v.Reason += ": look at their reasons, then mend the source or allow for more"
	}
	return v
}

// Empty fails a data set without rows, on which every expectation passes: with a cause to look for, unless allowed. Value is rows.
func Empty(rows int64, allowed bool) Verdict {
	v := Verdict{Gate: GateEmpty, Status: Pass, Value: float64(rows), Threshold: 1, Reason: fmt.Sprintf("%d rows", rows)}
	switch {
	case rows > 0:
	case allowed:
		v.Reason = "no rows, which this source may have"
	default:
		v.Status = Fail
		v.Reason = "no rows: every expectation passes on no data, so nothing is known of it; see whether the source's paths or query still find what they should"
	}
	return v
}

// Age is what Freshness judges. Newest is the latest value of a timestamp column; the zero time says that it has none.
type Age struct {
	Column      string
	Newest, Now time.Time
	Most        time.Duration // the greatest age that passes
}

// Ahead is how far a timestamp may lie in the future before it is suspicious: clocks differ.
const Ahead = 5 * time.Minute

// Freshness fails where the newest timestamp is older than may be, and warns where it lies in the future. Value and Threshold are seconds of age.
func Freshness(a Age) Verdict {
	v := Verdict{Gate: GateFreshness, Column: a.Column, Threshold: a.Most.Seconds()}
	if a.Newest.IsZero() {
		v.Status = Unknown
		v.Reason = fmt.Sprintf("column %q holds no timestamp, so its age is not known", a.Column)
		return v
	}
	age := a.Now.Sub(a.Newest)
	v.Value = age.Seconds()
	when := a.Newest.UTC().Format(time.RFC3339)
	switch {
	case age > a.Most:
		v.Status = Fail
		v.Reason = fmt.Sprintf("the newest %s is %s, %s ago: more than %s", a.Column, when, age.Round(time.Second), a.Most)
	case age < -Ahead:
		v.Status = Warn
		v.Reason = fmt.Sprintf("the newest %s is %s, %s in the future: a clock or a time zone is wrong", a.Column, when, (-age).Round(time.Second))
	default:
		v.Status = Pass
		v.Reason = fmt.Sprintf("the newest %s is %s, %s ago", a.Column, when, age.Round(time.Second))
	}
	return v
}

// list names the first few of many.
func list(items []string) string {
	const few = 5
	if len(items) <= few {
		return strings.Join(items, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(items[:few], "; "), len(items)-few)
}
