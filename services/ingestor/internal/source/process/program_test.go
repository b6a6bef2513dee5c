package process_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source/wire"
)

// TestMain is the source programs of these tests, where it is started as one: its first argument then names how it behaves.
func TestMain(m *testing.M) {
	if behave := os.Getenv("LEAT_TEST_SOURCE"); behave != "" {
		os.Exit(program(strings.TrimPrefix(os.Args[1], "-test.")))
	}
	os.Exit(m.Run())
}

const (
	schema = `[{"name":"n","type":"int64","nullable":true}]`
	batch  = 3 // rows
	rows   = 12
)

type prog struct{ control *os.File }

func (p prog) say(format string, args ...any) { fmt.Fprintf(p.control, format+"\n", args...) }

func encoded(from int) []byte {
	ns := make([]*int64, batch)
	for i := range ns {
		n := int64(from + i)
		ns[i] = &n
	}
	data, err := arrowio.Encode(arrowio.BatchOf(arrowio.Of("n", ns)))
	if err != nil {
		panic(err)
	}
	return data
}

// program counts from the cursor to rows, in batches; and does one thing wrong on the way.
func program(wrong string) int {
	p := prog{os.NewFile(wire.Descriptor, "control")}
	raw, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	var req wire.Request
	if err := json.Unmarshal([]byte(raw), &req); err != nil {
		return 3
	}
	version := 1
	if wrong == "old" {
		version = 0
	}
	p.say(`{"type":"hello","protocol":%d,"name":"counter","version":"1"}`, version)
	if os.Args[len(os.Args)-1] == wire.Plan {
		p.say(`{"type":"schema","schema":%s}`, schema)
		p.say(`{"type":"part","id":"all","rows":%d,"spec":{"to":%d}}`, rows, rows)
		p.say(`{"type":"watermark","watermark":{"n":%d},"seen":%d}`, rows, len(req.Since))
		p.say(`{"type":"done"}`)
		return 0
	}
	from := 0
	_ = json.Unmarshal(req.Cursor, &from)
	for n := 0; from < rows; n, from = n+1, from+batch {
		data := encoded(from)
		if n == 1 {
			if code, stop := p.mistake(wrong, data); stop {
				return code
			}
		}
		p.say(`{"type":"batch","number":%d,"rows":%d,"bytes":%d,"cursor":%d}`, n, batch, len(data), from+batch)
		_, _ = os.Stdout.Write(data)
		if n == 0 {
			p.say(`{"type":"reject","file":"f","number":7,"reason":"odd","raw":"eA=="}`)
		}
	}
	sent := (rows - 0) / batch
	if wrong == "miscounts" {
		sent--
	}
	if len(req.Cursor) > 0 {
		sent = (rows - mustInt(req.Cursor)) / batch
	}
	p.say(`{"type":"done","batches":%d,"rows":%d,"rejects":1}`, sent, sent*batch)
	if wrong == "trails" {
		fmt.Println("goodbye")
	}
	if wrong == "fails late" {
		return 4
	}
	return 0
}

func mustInt(raw json.RawMessage) (n int) {
	_ = json.Unmarshal(raw, &n)
	return n
}

// mistake is what goes wrong before the second batch.
func (p prog) mistake(wrong string, data []byte) (code int, stop bool) {
	switch wrong {
	case "dies":
		fmt.Fprintln(os.Stderr, "out of paper")
		return 9, true
	case "closes":
		p.control.Close()
		_, _ = io.Copy(io.Discard, os.Stdin) // until we let go of it
		return 0, true
	case "hangs", "hangs with a child":
		if wrong == "hangs with a child" {
			c := exec.Command("sleep", "600")
			c.Stdout = os.Stdout
			_ = c.Start()
			p.say(`{"type":"log","level":"info","message":"child %d"}`, c.Process.Pid)
		}
		time.Sleep(10 * time.Minute)
	case "garbage":
		p.say("progress: 50%%")
	case "no type":
		p.say("{}")
	case "long line":
		p.say("%s", strings.Repeat("x", wire.MaxLine+1))
	case "prints":
		fmt.Println("hello, world")
	case "half":
		p.say(`{"type":"batch","number":1,"rows":3,"bytes":%d,"cursor":6}`, len(data))
		_, _ = os.Stdout.Write(data[:len(data)/2])
		return 0, true
	case "huge":
		p.say(`{"type":"batch","number":1,"rows":3,"bytes":9000000000,"cursor":6}`)
	case "skips":
		p.say(`{"type":"batch","number":2,"rows":3,"bytes":%d,"cursor":6}`, len(data))
	case "other schema":
		data, _ = arrowio.Encode(arrowio.BatchOf(arrowio.Of("m", []int64{1, 2, 3})))
		p.say(`{"type":"batch","number":1,"rows":3,"bytes":%d,"cursor":6}`, len(data))
		_, _ = os.Stdout.Write(data)
	case "says why":
		p.say(`{"type":"error","code":"no_table","message":"there is no table t; create it"}`)
		return 1, true
	case "says later":
		p.say(`{"type":"error","code":"away","message":"the server is away","retry":true}`)
		return 1, true
	}
	return 0, false
}
