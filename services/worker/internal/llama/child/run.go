// Package child is the process behind `leat engine llama`: it loads libllama and one model, and runs sequences for the
// worker at the other end of a socket. A native crash costs this process and nothing else.
//
// It opens no ports, reads no configuration but the worker's Hello frame, and ends when the socket closes.
package child

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/leathq/leat/services/worker/internal/llama/native"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// Main is the command `leat engine llama`: it serves the socket that it inherited and returns the exit code.
func Main(ctx context.Context, args []string, stderr io.Writer) int {
	fs := flag.NewFlagSet("engine llama", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fd := fs.Int("fd", 3, "the inherited socket to the worker that starts this process")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	conn, err := inherit(*fd)
	if err != nil {
		fmt.Fprintln(stderr, "engine llama: this command is started by a worker, not by hand:", err)
		return 2
	}
	if err := Run(ctx, conn); err != nil {
		fmt.Fprintln(stderr, "engine llama:", err)
		return 1
	}
	return 0
}

func inherit(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "worker")
	if f == nil {
		return nil, fmt.Errorf("no file descriptor %d", fd)
	}
	defer f.Close()
	return net.FileConn(f)
}

// Run serves one worker over conn until the worker closes it (nil) or the engine fails. What fails at load is told to
// the worker as one line before Run returns it.
func Run(ctx context.Context, conn io.ReadWriteCloser) error {
	// The model's context belongs to one OS thread for life.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	c := wire.NewConn(conn)
	var hello wire.Hello
	f, err := c.Recv()
	if err == nil && f.Kind != wire.KindHello {
		err = wire.ErrFrame
	}
	if err == nil {
		err = wire.DecodeJSON(f.Payload, &hello)
	}
	if err != nil {
		return fmt.Errorf("read the worker's hello: %w", err)
	}
	l, ready, err := load(c, &hello)
	if err != nil {
		_ = c.Send(wire.KindFatal, func(b []byte) []byte { return append(b, err.Error()...) })
		return err
	}
	defer l.base.m.Close()
	defer l.close()
	if err := c.SendJSON(wire.KindReady, ready); err != nil {
		return err
	}
	return newServer(c, l).run()
}

// load brings up the library, the model and the scheduler, and runs the self-test.
func load(c *wire.Conn, h *wire.Hello) (*lanes, *wire.Ready, error) {
	start := time.Now()
	if err := check(h); err != nil {
		return nil, nil, err
	}
	if err := pin(h.CPUs); err != nil {
		return nil, nil, err
	}
	digest := make(chan func() (string, error), 1)
	go func() {
		d, err := modelDigest(h.Model, h.CacheDir)
		digest <- func() (string, error) { return d, err }
	}()
	lib, err := native.OpenLibrary(h.LibDir)
	if err != nil {
		return nil, nil, err
	}
	m, err := lib.Load(native.Params{Path: h.Model, Threads: h.Threads, Slots: h.Slots, Context: h.Context, Batch: batchSize(h),
		Flash: h.Schedule.Flash, RowAttention: h.Schedule.RowAttention, Unified: h.Schedule.Unified, CheckTensors: h.CheckTensors, MemoryFree: memoryFree})
	if err != nil {
		return nil, nil, err
	}
	s := newScheduler(m, newGrammars(m.Vocab), h, func(st *wire.Step) { _ = c.Send(wire.KindStep, st.Append) })
	s.context = m.Context()
	l := newLanes(s, lib, h)
	if err := s.warm(); err != nil {
		return nil, nil, fmt.Errorf("first call of the model: %w", err)
	}
	sum, err := (<-digest)()
	if err != nil {
		return nil, nil, err
	}
	ready := &wire.Ready{ModelDigest: sum, Fingerprint: fingerprint(sum, lib, h.Schedule), Context: m.Context(), Slots: h.Slots, Vocab: m.Size(),
		ChatTemplate: m.Template, BOS: m.Text(m.BOS), EOS: m.Text(m.EOS), PAD: m.Text(m.PAD),
		Library: lib.Version, Backend: lib.Backend, Description: m.Desc, LoadTime: time.Since(start)}
	if h.SelfTest {
		start = time.Now()
		if ready.ExactNote, err = s.prove(); err != nil {
			return nil, nil, fmt.Errorf("self-test: %w", err)
		}
		ready.Exact, ready.SelfTestTime = ready.ExactNote == "", time.Since(start)
	}
	s.fingerprint = ready.Fingerprint
	for _, a := range h.Adapters {
		ready.Adapters = append(ready.Adapters, l.load(a.Name, a.Path))
	}
	return l, ready, nil
}

func check(h *wire.Hello) error {
	switch {
	case h.Threads < 1, h.Slots < 1, h.Slots > 256, h.Context < 0:
		return errors.New("threads, slots and context must be positive, slots at most 256")
	case h.AdapterSlots < 1, h.AdapterSlots > h.Slots, h.AdapterContexts < 1:
		return errors.New("slots of adapters must lie between 1 and the model's own, and their contexts be positive")
	case h.Chunk < 4 || h.Chunk > 4096:
		return errors.New("chunk must lie between 4 and 4096 tokens")
	case h.Schedule.MinChunk < 1 || h.Schedule.MinChunk > 2:
		return errors.New("the schedule's smallest chunk must be 1 or 2")
	}
	return nil
}
