package run

import "slices"

// median of values; zero where there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// of takes one number of every turn of a target.
func (r result) of(target string, number func(turn) float64) []float64 {
	var values []float64
	for _, t := range r.turns[target] {
		values = append(values, number(t))
	}
	return values
}

// mid is the median over the rounds.
func (r result) mid(target string, number func(turn) float64) float64 {
	return median(r.of(target, number))
}

// ratio is the median over the rounds of a target's number over the direct call's in the same round.
func (r result) ratio(target string, number func(turn) float64) float64 {
	ours, theirs := r.of(target, number), r.of(direct, number)
	var ratios []float64
	for i := range min(len(ours), len(theirs)) {
		ratios = append(ratios, per(ours[i], theirs[i]))
	}
	return median(ratios)
}

// failed counts failures over all rounds.
func (r result) failed(target string) (n int64) {
	for _, t := range r.turns[target] {
		n += t.Failed
	}
	return n
}

// disturbance is the most that other processes, and the hypervisor, took of the CPU in any turn, in cores.
func (b *bench) disturbance() (foreign, steal float64) {
	for _, r := range b.results {
		for _, turns := range r.turns {
			for _, t := range turns {
				foreign, steal = max(foreign, t.foreign), max(steal, t.steal)
			}
		}
	}
	return foreign, steal
}

// result finds a scenario's result by name; nil where it was not run.
func (b *bench) result(name string) *result {
	for i := range b.results {
		if b.results[i].scenario.name == name {
			return &b.results[i]
		}
	}
	return nil
}

// group lists the results of a group.
func (b *bench) group(name string) []result {
	var list []result
	for _, r := range b.results {
		if r.scenario.group == name {
			list = append(list, r)
		}
	}
	return list
}

func requestsPerSecond(t turn) float64 { return t.RequestsPerSecond }
func tokensPerSecond(t turn) float64   { return t.OutputTokensPerSecond }
func latencyP50(t turn) float64        { return t.Latency.P50 }
func latencyP99(t turn) float64        { return t.Latency.P99 }
func ttftP50(t turn) float64           { return t.TTFT.P50 }
func gapP50(t turn) float64            { return t.Gaps.P50 }
func gapP99(t turn) float64            { return t.Gaps.P99 }
