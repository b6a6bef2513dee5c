//go:build unix

package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// Guard stands between a worker and the server that it starts, as a process of its own: args are the grace and the
// command. It leads the process group in which the server and all its children run. When its standard input ends, which
// is what the worker does to stop it and what the kernel does when the worker is killed, it stops the whole group: by
// SIGTERM, and by SIGKILL after the grace. It returns the server's exit code; 128+N is signal N.
func Guard(args []string, stderr io.Writer) int {
	if len(args) < 2 {
		fmt.Fprintln(stderr, "engine guard: a grace and a command are needed")
		return 2
	}
	grace, err := time.ParseDuration(args[0])
	if err != nil {
		fmt.Fprintln(stderr, "engine guard:", err)
		return 2
	}
	if syscall.Getpgrp() != os.Getpid() { // started by hand: its signals must not reach its starter's group
		if err := syscall.Setpgid(0, 0); err != nil {
			fmt.Fprintln(stderr, "engine guard: lead a process group:", err)
			return 2
		}
	}
	deaf()
	runtime.LockOSThread() // a parent's death is that of its thread
	cmd := exec.CommandContext(context.Background(), args[1], args[2:]...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = os.Stdout, os.Stderr, serverAttr()
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(stderr, "engine guard:", err)
		return 127
	}
	ended := make(chan struct{})
	go stopAtEOF(grace, ended)
	err = cmd.Wait()
	close(ended)
	code := exitCode(err)
	reap(grace)
	return code
}

// deaf makes the guard outlive the signals that it sends to its own group. They are caught and not ignored: what a process
// ignores, the programs that it starts ignore too.
func deaf() {
	ended := []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}
	signal.Reset(ended...)
	signal.Notify(make(chan os.Signal, 1), ended...)
}

// stopAtEOF waits for the worker's end or word.
func stopAtEOF(grace time.Duration, ended chan struct{}) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = syscall.Kill(0, syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(grace):
		_ = syscall.Kill(0, syscall.SIGKILL) // this process included
	}
}

// reap ends what a server left behind in the group: a tensor-parallel rank holds its GPU's memory, and the next life of
// the server would not find any.
func reap(grace time.Duration) {
	_ = syscall.Kill(0, syscall.SIGTERM)
	end := time.Now().Add(min(grace, 2*time.Second))
	for last := false; !last && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		last = alone(syscall.Getpgrp(), os.Getpid())
	}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}
