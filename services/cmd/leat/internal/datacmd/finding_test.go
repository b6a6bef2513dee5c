package datacmd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/check"
)

// Where different long texts are more than memory holds, everything is read once more, and the result is the same.
func TestValidateReadsOnceMoreWhereTextsOutgrowMemory(t *testing.T) {
	dir := t.TempDir()
	for part := range 3 {
		var rows strings.Builder
		for i := range 2000 {
			fmt.Fprintf(&rows, "{\"text\": \"%s %d\"}\n", strings.Repeat("long ", 40), (part*2000+i)%5900)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(part, ".jsonl")), []byte(rows.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := map[int64]string{}
	for _, memory := range []int64{0, 64 << 10} {
		in, err := (&InputOptions{}).open(t.Context(), []string{dir}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer in.close()
		plan, err := check.Compile([]byte(`{"name": "s", "expectations": [{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "text"}}]}`),
			in.plan.Schema, check.Options{Memory: memory, Scratch: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		f, err := validate(t.Context(), in, &asked{plan: plan}, &said)
		if err != nil {
			t.Fatal(err)
		}
		if again := strings.Contains(said.String(), "once more"); again != (memory > 0) {
			t.Errorf("memory %d: it said %q", memory, said.String())
		}
		result, err := plan.Result(f.state)
		if err != nil {
			t.Fatal(err)
		}
		out, err := result.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		found[memory] = string(out)
		if err := f.state.Close(); err != nil {
			t.Error(err)
		}
	}
	if found[0] != found[64<<10] || !strings.Contains(found[0], `"unexpected_count":200,`) {
		t.Errorf("in memory:\n%s\nread once more:\n%s", found[0], found[64<<10])
	}
}
