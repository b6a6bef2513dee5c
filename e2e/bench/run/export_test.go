package run

// ProfileTable is profileTable.
func ProfileTable(traces string) string { return profileTable(traces) }

// Median is median.
func Median(values []float64) float64 { return median(values) }

// Turn is one made-up measurement for Bars.
type Turn struct {
	Target                  string
	RPS, Tokens, P50, GapNN float64
	Cores                   float64 // of a process of Leat
}

// Bars judges made-up turns of one scenario and returns "what: held" lines.
func Bars(scenarioName string, turns ...Turn) map[string]bool {
	r := result{scenario: scenario{name: scenarioName}, turns: map[string][]turn{}}
	for _, t := range turns {
		made := turn{report: report{RequestsPerSecond: t.RPS, OutputTokensPerSecond: t.Tokens, Latency: quantiles{P50: t.P50}, Gaps: quantiles{P99: t.GapNN},
			Processes: []usage{{Name: "upstream", Cores: 9}, {Name: "leat-up", Cores: t.Cores}}}}
		r.turns[t.Target] = append(r.turns[t.Target], made)
	}
	b := &bench{results: []result{r}}
	held := map[string]bool{}
	for _, bar := range b.bars() {
		held[bar.what] = bar.held
	}
	return held
}
