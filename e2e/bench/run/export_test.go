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

// SoakBar judges a soak by resident bytes at even distances.
func SoakBar(rss ...float64) (held bool, got string) {
	s := &soakResult{}
	for _, bytes := range rss {
		s.samples = append(s.samples, sample{rss: bytes})
	}
	b := s.bar()
	return b.held, b.got
}

// Page puts made-up results into a page: of the comparisons, of the soak, of the llama engine.
func Page(old string, compared, soaked bool, llama string) string {
	b := &bench{llama: llama}
	if compared {
		b.results = []result{{scenario: scenario{group: "unary", words: "made up"}}}
	}
	if soaked {
		b.soak = &soakResult{samples: []sample{{rss: 1}}}
	}
	return b.page(old)
}
