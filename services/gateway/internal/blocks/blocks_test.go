package blocks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/blocks"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// told writes down what a row tells.
type told struct{ strings.Builder }

func (t *told) Open(i int, b *blocks.Block) { fmt.Fprintf(t, "open%d:%d%s ", i, b.Kind, b.Name) }
func (t *told) More(i int, _ *blocks.Block, text string, _ []openai.TokenLogprob) {
	fmt.Fprintf(t, "%d+%s ", i, text)
}
func (t *told) Sign(i int, b *blocks.Block)  { fmt.Fprintf(t, "%d=%s ", i, b.Signature) }
func (t *told) Close(i int, _ *blocks.Block) { fmt.Fprintf(t, "close%d ", i) }

// A row keeps the order in which parts came, and opens and closes each block once.
func TestARowKeepsItsOrder(t *testing.T) {
	r, out := blocks.Row{Keep: true}, &told{}
	for _, p := range []blocks.Part{
		{Reasoning: "hm"}, {Reasoning: "…"}, {Signature: "s1", Text: "I"}, {Text: " see", Calls: []openai.ToolCall{{ID: "a", Name: "f"}}},
		{Calls: []openai.ToolCall{{Arguments: "{"}, {Index: 1, ID: "b", Name: "g", Arguments: "{}"}}}, {Calls: []openai.ToolCall{{Arguments: "}"}}},
		{Signature: "s2"}, {}, {Text: "done"},
	} {
		r.Add(&p, out)
	}
	r.End(out)
	r.End(out)
	want := "open0:0 0+hm 0+… 0=s1 close0 open1:1 1+I 1+ see close1 open2:2f 2+{ close2 open3:2g 3+{} 2+} close3 open4:0 4=s2 close4 open5:1 5+done close5 "
	if out.String() != want {
		t.Errorf("told\n%s, want\n%s", out, want)
	}
	for i, text := range []string{"hm…", "I see", "{}", "{}", "", "done"} {
		if got := string(r.Blocks[i].Text); got != text {
			t.Errorf("block %d is %q, want %q", i, got, text)
		}
	}
}

// What is signed is whole: more reasoning is another block, and so is what its provider shows nobody.
func TestSignedReasoningStaysApart(t *testing.T) {
	r, out := blocks.Row{Keep: true}, &told{}
	for _, p := range []blocks.Part{
		{Reasoning: "a"}, {Signature: "s"}, {Signature: "1"}, {Signature: openai.Redacted + "x"}, {Signature: openai.Redacted + "y"}, {Reasoning: "b"}, {Reasoning: "c", Signature: "s2"}, {Reasoning: "d"},
	} {
		r.Add(&p, out)
	}
	r.End(out)
	want := "open0:0 0+a 0=s 0=s1 close0 open1:0 close1 open2:0 close2 open3:0 3+b 3+c 3=s2 close3 open4:0 4+d close4 "
	if out.String() != want {
		t.Errorf("told\n%s, want\n%s", out, want)
	}
}
