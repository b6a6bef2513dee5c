package main_test

import (
	"strings"
	"testing"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	main "github.com/leathq/leat/services/cmd/leat"
)

func TestAdapterCommandLine(t *testing.T) {
	for _, c := range []struct {
		line string
		want string // of the message or the error
	}{
		{"load poet=/a/b.gguf", `load_adapter:{name:"poet" path:"/a/b.gguf"}`},
		{"unload poet", `unload_adapter:{name:"poet"}`},
		{"list", "list_adapters:{}"},
		{"load poet=b.gguf", "absolute path"},
		{"load poet", "NAME=PATH"},
		{"load =/a", "NAME=PATH"},
		{"load", "takes 1 names"},
		{"list poet", "takes 0 names"},
		{"drop poet", "none of load, unload and list"},
		{"", "none of load, unload and list"},
	} {
		verb, rest, _ := strings.Cut(c.line, " ")
		m, err := main.AdapterControl(verb, strings.Fields(rest))
		var got string
		if err != nil {
			got = err.Error()
		} else {
			got = strings.ReplaceAll(m.String(), "  ", " ") // protobuf varies its blanks on purpose
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%q: %s, want …%s…", c.line, got, c.want)
		}
	}
}

func TestAdapterList(t *testing.T) {
	var out strings.Builder
	err := main.ShowAdapters(&out, "w1", []*inferv1.Adapter{{Name: "poet", Path: "/a.gguf", Models: []string{"m:poet", "n:poet"}, Exact: true}})
	if err != nil || !strings.Contains(out.String(), "poet     m:poet, n:poet  yes    /a.gguf") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
