package conf_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/conf"
)

type pool struct {
	Policy string   `yaml:"policy" oneof:"adaptive|random"`
	Weight float64  `yaml:"weight"`
	Models []string `yaml:"models"`
}

func (p *pool) SetDefaults() { p.Weight = 1 }

func (p *pool) Validate() error {
	if p.Weight <= 0 {
		return conf.Refuse("weight", "must be above 0")
	}
	return nil
}

type queue struct {
	Max  int           `yaml:"max" flag:"queue-max" doc:"longest queue"`
	Wait time.Duration `yaml:"wait" flag:"queue-wait"`
}

func (q queue) Validate() error {
	var errs []error
	if q.Max < 1 {
		errs = append(errs, conf.Refuse("max", "must be at least 1"))
	}
	if q.Wait > time.Hour {
		errs = append(errs, conf.Refuse("wait", "must be at most 1h"))
	}
	return errors.Join(errs...)
}

type route struct {
	To    string     `yaml:"to"`
	Limit conf.Bytes `yaml:"limit"`
}

// pair complains about no single key.
type pair struct {
	Low  int `yaml:"low" flag:"low"`
	High int `yaml:"high" flag:"high"`
}

func (p pair) Validate() error {
	if p.Low > p.High {
		return errors.New("router.range: low is above high")
	}
	return nil
}

type router struct {
	Range  pair              `yaml:"range"`
	Queue  queue             `yaml:"queue"`
	Policy string            `yaml:"policy" flag:"policy" oneof:"adaptive|random" doc:"how a worker is picked"`
	Body   conf.Bytes        `yaml:"body" flag:"body"`
	Key    string            `yaml:"key" flag:"key" secret:"true"`
	Pin    int               `yaml:"pin" flag:"pin" secret:"true"`
	Peer   string            `yaml:"peer" flag:"peer"`
	Tags   []string          `yaml:"tags" flag:"tag"`
	Labels map[string]string `yaml:"labels" flag:"label"`
	Pools  map[string]pool   `yaml:"pools"`
	Routes []route           `yaml:"routes"`
	Ratio  float64           `yaml:"ratio" flag:"ratio"`
	Hidden func()
}

type listen struct {
	HTTP  string `yaml:"http" flag:"http" doc:"address of the HTTP listener; empty: none"`
	Pprof bool   `yaml:"pprof" flag:"pprof"`
	Port  uint16 `yaml:"port" flag:"port" env:"PORT"`
}

type base struct {
	Listen listen `yaml:"listen"`
}

func defaults() (*router, *base) {
	return &router{
		Queue: queue{Max: 100, Wait: 5 * time.Minute}, Policy: "adaptive", Body: 32 * conf.MiB,
		Pools: map[string]pool{"base": {Policy: "random", Weight: 2}},
	}, &base{Listen: listen{HTTP: "127.0.0.1:8080"}}
}

// load runs Load on the two sections with a file of the given text.
func load(t *testing.T, file string, environ []string, args ...string) (*router, *base, *conf.Loaded, error) {
	t.Helper()
	r, b := defaults()
	if file != "" {
		path := filepath.Join(t.TempDir(), "leat.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		environ = append(environ, "LEAT_CONFIG="+path)
	}
	loaded, err := conf.Load(conf.Spec{
		Program: "leat router", Summary: "Routes.", Examples: []string{"leat router --port 1"}, Footer: "The end.\n", Args: args, Environ: environ, Overlay: "router", Repeat: []string{"listen"},
		Sections:  []conf.Section{{Into: b}, {Key: "router", Into: r}},
		Elsewhere: []string{"gateway", "worker"},
	})
	return r, b, loaded, err
}

func TestALaterLayerWins(t *testing.T) {
	file := "router:\n  queue:\n    max: 1\n    wait: 1s\n  tags: [a, b]\nlisten:\n  http: file:1\n"
	env := []string{"LEAT_QUEUE_MAX=2", "LEAT_HTTP=", "LEAT_TAG=c,d", "PORT=7"}
	r, b, loaded, err := load(t, file, env, "--queue-max=3", "--tag", "e", "--tag=f", "--pprof", "-ratio", "0.5")
	if err != nil {
		t.Fatal(err)
	}
	if r.Queue != (queue{3, time.Second}) || b.Listen != (listen{"", true, 7}) || r.Ratio != .5 {
		t.Errorf("queue %v, listen %v, ratio %v", r.Queue, b.Listen, r.Ratio)
	}
	if want := []string{"e", "f"}; !reflect.DeepEqual(r.Tags, want) {
		t.Errorf("tags %q, want %q", r.Tags, want)
	}
	for path, want := range map[string]string{
		"router.queue.max": "flag --queue-max", "router.queue.wait": "file " + loaded.File + ":4",
		"listen.http": "env LEAT_HTTP", "listen.port": "env PORT", "router.policy": "default",
	} {
		if got := loaded.Origin(path).String(); got != want {
			t.Errorf("origin of %s is %q, want %q", path, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		env  []string
		args []string
		want []string
	}{
		"key":            {file: "router:\n  queue:\n    mox: 1\n", want: []string{"leat.yaml:3: unknown key router.queue.mox; did you mean router.queue.max?"}},
		"top key":        {file: "# x\nruoter: {}\n", want: []string{"leat.yaml:2: unknown key ruoter; did you mean router?"}},
		"wrong place":    {file: "pprof: true\n", want: []string{"leat.yaml:1: unknown key pprof; did you mean listen.pprof?"}},
		"key in a map":   {file: "router:\n  pools:\n    a:\n      wieght: 1\n", want: []string{":4: unknown key router.pools.a.wieght; did you mean router.pools.a.weight?"}},
		"key in a list":  {file: "router:\n  routes:\n    - too: x\n", want: []string{":3: unknown key router.routes[0].too; did you mean router.routes[0].to?"}},
		"variable":       {env: []string{"LEAT_QEUE_MAX=1"}, want: []string{"unknown environment variable LEAT_QEUE_MAX; did you mean LEAT_QUEUE_MAX?"}},
		"flag":           {args: []string{"--que-max", "1"}, want: []string{"unknown flag --que-max; did you mean --queue-max?"}},
		"no value":       {args: []string{"--queue-max"}, want: []string{"flag --queue-max needs a value"}},
		"argument":       {args: []string{"extra"}, want: []string{`"extra" is not a flag and leat router takes no arguments`}},
		"number":         {file: "router:\n  queue: {max: ten}\n", want: []string{`leat.yaml:2: router.queue.max: "ten" is not a whole number`}},
		"duration":       {env: []string{"LEAT_QUEUE_WAIT=30"}, want: []string{`LEAT_QUEUE_WAIT: "30" is not a duration such as 500ms`}},
		"size":           {args: []string{"--body=32Mb!"}, want: []string{`flag --body: "32Mb!" is not a size such as`}},
		"bool":           {args: []string{"--pprof=yes"}, want: []string{`"yes" is neither true nor false`}},
		"overflow":       {args: []string{"--port=70000"}, want: []string{`"70000" is not a whole number ≥ 0 of 16 bits`}},
		"one of":         {args: []string{"--policy=best"}, want: []string{`flag --policy: "best" is none of adaptive, random`}},
		"one of in file": {file: "router:\n  pools:\n    a: {policy: best}\n", want: []string{`"best" is none of adaptive, random`}},
		"null":           {file: "router:\n  queue:\n    max:\n", want: []string{"router.queue.max must be a single value, not nothing"}},
		"list":           {file: "router:\n  tags: a\n", want: []string{"router.tags must be a list, not a single value"}},
		"section":        {file: "router: 5\n", want: []string{"router must be a section of keys, not a single value"}},
		"scalar":         {file: "listen: {http: {a: b}}\n", want: []string{"listen.http must be a single value, not a section"}},
		"alias":          {file: "router:\n  key: &a x\n  policy: *a\n", want: []string{"an anchor or alias (not read: write the value out)"}},
		"merge key":      {file: "a: &a {}\nrouter:\n  <<: *a\n", want: []string{"merge keys, anchors and tags are not read"}},
		"twice":          {file: "router:\n  policy: random\n  policy: adaptive\n", want: []string{`leat.yaml:3:3: mapping key "policy" already defined at [2:3]`}},
		"syntax":         {file: "router:\n  policy: [a\n", want: []string{"leat.yaml:2:"}},
		"two documents":  {file: "router: {}\n---\nrouter: {}\n", want: []string{":3: a configuration is one YAML document"}},
		"validate file":  {file: "router:\n  queue:\n    max: 0\n", want: []string{"router.queue.max = 0 (file ", "leat.yaml:3) must be at least 1"}},
		"validate env":   {env: []string{"LEAT_QUEUE_MAX=-1"}, want: []string{"router.queue.max = -1 (env LEAT_QUEUE_MAX) must be at least 1"}},
		"validate flag":  {args: []string{"--queue-max=-1"}, want: []string{"router.queue.max = -1 (flag --queue-max) must be at least 1"}},
		"validate both":  {args: []string{"--queue-max=0", "--queue-wait=2h"}, want: []string{"2 settings are refused", "must be at least 1", "router.queue.wait = 2h (flag --queue-wait) must be at most 1h"}},
		"validate pair":  {args: []string{"--low=2"}, env: []string{"LEAT_HIGH=1"}, want: []string{"router.range: low is above high (set: router.range.high by env LEAT_HIGH, router.range.low by flag --low)"}},
		"validate entry": {file: "router:\n  pools:\n    a:\n      weight: -1\n", want: []string{"router.pools.a.weight (file ", "leat.yaml:4) must be above 0"}},
		"all at once":    {file: "a: 1\n", env: []string{"LEAT_A=1"}, args: []string{"--a"}, want: []string{"unknown key a", "variable LEAT_A", "flag --a"}},
		"secret":         {file: "router:\n  key: [hunter2]\n", want: []string{"router.key must be a single value"}},
		"secret number":  {env: []string{"LEAT_PIN=hunter2"}, want: []string{"LEAT_PIN: the value (not shown) is malformed"}},
		"missing file":   {args: []string{"--config", "/nowhere/leat.yaml"}, want: []string{"read configuration: open /nowhere/leat.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := load(t, c.file, c.env, c.args...)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error\n  %s\ndoes not say\n  %s", err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error shows a secret: %s", err)
			}
		})
	}
}

func TestUsageIsToldFromTheRest(t *testing.T) {
	for _, c := range []struct {
		args, env string
		usage     bool
	}{
		{"--nope", "", true},
		{"--nope value", "", true},
		{"--queue-max=x", "", true},
		{"--queue-max=0", "", true},
		{"--low=9 --high=1", "", true},
		{"--low=9", "LEAT_HIGH=1", false}, // either may be the one at fault
		{"--queue-max=3", "LEAT_QUEUE_WAIT=2h", false},
		{"", "LEAT_QUEUE_MAX=0", false},
	} {
		_, _, _, err := load(t, "", []string{c.env}, strings.Fields(c.args)...)
		if got := conf.IsUsage(err); err == nil || got != c.usage {
			t.Errorf("%s %s: usage %v, want %v (%v)", c.env, c.args, got, c.usage, err)
		}
	}
}

func TestOthersSettingsAreTolerated(t *testing.T) {
	file := "gateway: {anything: [1, 2]}\nworker:\nrouter:\n  listen: {http: mine:1}\nlisten: {http: all:1, pprof: true}\n"
	env := []string{
		"LEAT_TEST_X=1", "LEAT_PORT=tcp://10.0.0.1:80", "LEAT_GATEWAY_PORT_8080_TCP_ADDR=10.0.0.1",
		"LEAT_SERVICE_HOST=10.0.0.1", "LEAT_SERVICE_PORT_HTTP=80", "OTHER=1",
	}
	// LEAT_PORT is our own setting here, so the neighbour's variable must be refused rather than misread.
	if _, b, _, err := load(t, "", []string{"PORT=1", "LEAT_PORT=2"}); err != nil || b.Listen.Port != 2 {
		t.Errorf("PORT=1 and LEAT_PORT=2 gave %d, %v", b.Listen.Port, err)
	}
	if _, _, _, err := load(t, "", env); err == nil || !strings.Contains(err.Error(), "LEAT_PORT") {
		t.Errorf("a link that takes the name of a setting: %v", err)
	}
	_, b, _, err := load(t, file, append(env[:1:1], env[2:]...))
	if err != nil {
		t.Fatal(err)
	}
	if b.Listen.HTTP != "mine:1" || !b.Listen.Pprof {
		t.Errorf("listen is %v, want the router's own over everybody's", b.Listen)
	}
}

func TestEntriesStartFromTheirDefaults(t *testing.T) {
	file := "router:\n  pools:\n    base: {policy: adaptive}\n    new: {models: [x]}\n  routes: [{to: a, limit: 1.5KiB}]\n"
	r, _, _, err := load(t, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]pool{"base": {Policy: "adaptive", Weight: 2}, "new": {Weight: 1, Models: []string{"x"}}}
	if !reflect.DeepEqual(r.Pools, want) || !reflect.DeepEqual(r.Routes, []route{{"a", 1536}}) {
		t.Errorf("pools %v, routes %v", r.Pools, r.Routes)
	}
}

// shop is a section whose list has entries that start from what stands around it.
type shop struct {
	Stall
	Stalls []Stall `yaml:"stalls" inherit:"true"`
}

type Stall struct {
	Name   string            `yaml:"name" flag:"name"`
	Kind   string            `yaml:"kind" flag:"kind" oneof:"fruit|fish"`
	Tables int               `yaml:"tables" flag:"tables"`
	Signs  map[string]string `yaml:"signs"`
	Queue  queue             `yaml:"queue"`
}

func (s *Stall) SetDefaults() { s.Name = "" }

func TestEntriesStartFromWhatStandsAroundThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "leat.yaml")
	read := func(text string, args ...string) (shop, *conf.Loaded, error) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := shop{Stall: Stall{Kind: "fruit", Queue: queue{Max: 1}}}
		loaded, err := conf.Load(conf.Spec{Args: args, Environ: []string{"LEAT_CONFIG=" + file, "LEAT_QUEUE_MAX=7"}, Sections: []conf.Section{{Key: "shop", Into: &s}}})
		return s, loaded, err
	}
	text := "shop:\n  stalls:\n    - {name: a, tables: 1, signs: {x: own}}\n    - name: b\n      queue: {wait: 3s}\n  signs: {x: all, y: all}\n  name: market\n"
	s, loaded, err := read(text, "--kind=fish", "--tables=4")
	if err != nil {
		t.Fatal(err)
	}
	want := []Stall{
		{Name: "a", Kind: "fish", Tables: 1, Signs: map[string]string{"x": "own", "y": "all"}, Queue: queue{Max: 7}},
		{Name: "b", Kind: "fish", Tables: 4, Signs: map[string]string{"x": "all", "y": "all"}, Queue: queue{Max: 7, Wait: 3 * time.Second}},
	}
	if !reflect.DeepEqual(s.Stalls, want) || s.Name != "market" || s.Signs["x"] != "all" {
		t.Errorf("%+v\nwant %+v", s, want)
	}
	var out strings.Builder
	if err := loaded.WriteYAML(&out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"- name: a", "tables: 1", "kind: fish"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no %q in\n%s", line, out.String())
		}
	}
	if got := loaded.Origin("shop.stalls[1].tables").String(); got != "flag --tables" {
		t.Errorf("the second entry's tables come from %q", got)
	}
	if back, _, err := read(out.String()); err != nil || !reflect.DeepEqual(back.Stalls, s.Stalls) {
		t.Errorf("read back: %+v, %v\n%s", back.Stalls, err, out.String())
	}
	for bad, says := range map[string]string{
		"shop: {stalls: [{name: a, table: 1}]}":   "unknown key shop.stalls[0].table",
		"shop: {stalls: [{name: a, kind: cake}]}": "none of fruit, fish",
		"shop: {stalls: {name: a}}":               "must be a list",
		"shop: {stalls: [{queue: {max: -1}}]}":    "must be at least 1",
		"shop: {stalls: [{name: a, stalls: []}]}": "unknown key shop.stalls[0].stalls",
	} {
		if _, _, err := read(bad); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", bad, err, says)
		}
	}
}

func TestEffectiveConfigurationReadsBackTheSame(t *testing.T) {
	file := "router:\n  pools:\n    \"a: b\": {policy: adaptive}\n  routes:\n    - {to: \"x # y\", limit: 64KiB}\n    - {to: \"null\"}\n"
	args := []string{"--key=hunter2", "--peer=nats://me:hunter3@peer:4222", "--tag=true,1e3, ~", "--label=a=1,b=x y", "--http=[::1]:0", "--policy=random"}
	r, b, loaded, err := load(t, file, nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := loaded.WriteYAML(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# flag --policy", "# default", loaded.File + ":5", `key: "********"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), "hunter3") {
		t.Errorf("a secret is shown in\n%s", out.String())
	}
	r2, b2, _, err := load(t, out.String(), nil, "--key=hunter2", args[1])
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if fmt.Sprint(r.Labels) == fmt.Sprint(r2.Labels) && r.Labels == nil {
		t.Error("labels were not read")
	}
	r.Pools["base"], r2.Pools["base"] = pool{}, pool{} // nil and empty lists print alike
	for k, p := range r2.Pools {
		p.Models = nil
		r2.Pools[k] = p
	}
	if !reflect.DeepEqual(r, r2) || *b != *b2 {
		t.Errorf("printed and read back:\n%+v\n%+v\n%s", r, r2, out.String())
	}
}

func TestVarsListsWhatASectionReads(t *testing.T) {
	_, b := defaults()
	got, err := conf.Vars(b)
	if want := []string{"LEAT_HTTP", "LEAT_PPROF", "LEAT_PORT", "PORT"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v (%v), want %v", got, err, want)
	}
}

func TestHelpComesFromTheTags(t *testing.T) {
	_, _, _, err := load(t, "", nil, "--nonsense", "--help")
	var help conf.Help
	if !errors.As(err, &help) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		"Usage: leat router [flags]", "Routes.\n\nExamples:\n  leat router --port 1\n", "The end.\n", "--queue-max int  (default 100)  (LEAT_QUEUE_MAX)\n      longest queue",
		"router.queue:", "--policy adaptive|random  (default adaptive)", "--port uint16  (default 0)  (LEAT_PORT, PORT)",
		"yaml router.pools (in the YAML file only)", "--tag list", "--config string",
	} {
		if !strings.Contains(string(help), want) {
			t.Errorf("help lacks %q:\n%s", want, help)
		}
	}
}

func TestBytes(t *testing.T) {
	for in, want := range map[string]conf.Bytes{
		"0": 0, "512": 512, "1B": 1, "64KiB": 64 << 10, "32MiB": 32 << 20, "1.5GiB": 3 << 29, "10MB": 10e6, "2 kib": 2048,
	} {
		var b, again conf.Bytes
		if err := b.UnmarshalText([]byte(in)); err != nil || b != want {
			t.Errorf("%q is %d (%v), want %d", in, b, err, want)
		}
		if err := again.UnmarshalText([]byte(b.String())); err != nil || again != b {
			t.Errorf("%q prints as %q, which reads as %d (%v)", in, b, again, err)
		}
	}
	for _, in := range []string{"", "-1", "1.5", "1e3", "NaN", "inf", "0x10", "9999999TiB", "1XB", "MiB", "1_000"} {
		var b conf.Bytes
		if err := b.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is accepted as %d", in, b)
		}
	}
}

func TestContradictoryStructsAreRefused(t *testing.T) {
	for name, into := range map[string]any{
		"type": &struct {
			C chan int `yaml:"c"`
		}{},
		"flag of two types": &struct {
			A int    `yaml:"a" flag:"x"`
			B string `yaml:"b" flag:"x"`
		}{},
		"reserved flag": &struct {
			A string `yaml:"a" flag:"config"`
		}{},
		"key twice": &struct {
			A int `yaml:"a"`
			B int `yaml:"a"`
		}{},
		"no pointer": struct{}{},
	} {
		if _, err := conf.Load(conf.Spec{Sections: []conf.Section{{Into: into}}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	shared := &struct {
		A int `yaml:"a" flag:"x"`
		B int `yaml:"b" flag:"x"`
	}{}
	if _, err := conf.Load(conf.Spec{Sections: []conf.Section{{Into: shared}}, Args: []string{"--x=3"}}); err != nil || shared.A != 3 || shared.B != 3 {
		t.Errorf("a shared flag gave %v, %v", shared, err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add("router:\n  queue: {max: 1}\n  pools: {a: {weight: 2}}\n")
	f.Add("router: [")
	f.Add("? a\n: b\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, _, loaded, err := load(t, text, nil)
		if err != nil {
			return
		}
		var out strings.Builder
		if err := loaded.WriteYAML(&out); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := load(t, out.String(), nil); err != nil {
			t.Fatalf("%q prints as\n%s\nwhich is refused: %v", text, out.String(), err)
		}
	})
}
