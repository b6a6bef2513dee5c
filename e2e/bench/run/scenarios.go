package run

import "time"

// scenario is one load that every target gets.
type scenario struct {
	group, name string
	words       string // for the report
	args        []string
	ttft, tpot  string // the upstream's pace, where it matters
	streams     int
	warmup      time.Duration // at least
}

// light and standard are the two load generators of the saturation test.
const (
	light    = "light client"
	standard = "net/http client"
)

func (b *bench) scenarios() []scenario {
	unary := []string{"--stream=false", "--max-tokens", "16"}
	with := func(more ...string) []string { return append(more, unary...) }
	list := []scenario{
		{group: "unary", name: "unary 500 rps", words: "500 requests/s, open loop, Poisson", args: with("--rps", "500")},
	}
	for _, c := range []string{"16", "64"} {
		list = append(list,
			scenario{group: "saturation", name: "closed " + c + " " + light, words: c + " in flight, " + light, args: with("--concurrency", c)},
			scenario{group: "saturation", name: "closed " + c + " " + standard, words: c + " in flight, " + standard,
				args: with("--concurrency", c, "--client", "net/http")})
	}
	for _, n := range []struct {
		text  string
		count int
	}{{"100", 100}, {"300", 300}, {"1000", 1000}} {
		list = append(list, scenario{group: "streams", name: "streams " + n.text, words: n.text, streams: n.count, ttft: "20ms", tpot: "20ms", warmup: 4 * time.Second,
			args: []string{"--concurrency", n.text, "--ramp", "1300ms", "--max-tokens", "64"}})
	}
	return list
}
