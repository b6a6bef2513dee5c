package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/errs"
)

// The exit codes of every command.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2
	ExitDrain  = 3
	ExitForced = 130
)

// ExitCodes explains the exit codes to users.
const ExitCodes = `Exit codes:
  0    a clean stop; a command that did what was asked
  1    it could not start or had to stop: a setting in the file or environment is refused, an address is in use,
       NATS cannot be reached, an engine or a service failed; the last line on standard error says which
  2    the command line is wrong
  3    it was asked to stop and did, but had to cut calls or services off at --drain-timeout
  130  a second signal (Ctrl-C twice) ended it at once
`

// Exit is an error with an exit code of its own, for commands whose code says what they found. Its help must explain them.
type Exit struct {
	Code int
	Err  error
}

func (e *Exit) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *Exit) Unwrap() error { return e.Err }

// ExitCode is the exit code for what Open, Run or a command returned.
func ExitCode(err error) int {
	var help conf.Help
	var known *errs.Error
	var own *Exit
	switch {
	case err == nil, errors.As(err, &help):
		return ExitOK
	case errors.As(err, &own):
		return own.Code
	case conf.IsUsage(err):
		return ExitUsage
	case onlyDrain(err):
		return ExitDrain
	case errors.As(err, &known):
		return known.Kind.Exit()
	}
	return ExitFailed
}

// onlyDrain says whether every joined part of err is a missed drain deadline: a failure that started the stop counts more.
func onlyDrain(err error) bool {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return errors.Is(err, ErrDrainDeadline)
	}
	for _, e := range joined.Unwrap() {
		if !onlyDrain(e) {
			return false
		}
	}
	return true
}

// Main runs a command with signals and exits the process with the command's code: the whole of a main function. The
// first SIGINT or SIGTERM ends serve's context, a second one exits at once. args lack the program's name.
func Main(program string, args []string, serve func(ctx context.Context, args, environ []string) error) {
	ctx, done := Signals(context.Background())
	err := serve(ctx, args, os.Environ())
	done()
	os.Exit(Report(os.Stdout, os.Stderr, program, err))
}

// Report prints what a command returned (help on stdout, errors on stderr) and returns the exit code.
func Report(stdout, stderr io.Writer, program string, err error) int {
	var help conf.Help
	if errors.As(err, &help) {
		fmt.Fprint(stdout, string(help))
	} else if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", program, err)
	}
	return ExitCode(err)
}

// Signals returns a context that ends at the first SIGINT or SIGTERM, with the signal's name as the cause. A second one
// exits the process with ExitForced. done gives the signals back; it must be called once.
func Signals(parent context.Context) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	finished := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for n := 0; ; n++ {
			select {
			case s := <-signals:
				if n > 0 {
					fmt.Fprintf(os.Stderr, "second signal (%s): exiting at once\n", s)
					os.Exit(ExitForced)
				}
				cancel(fmt.Errorf("signal: %s", s))
			case <-finished:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(finished)
		cancel(nil)
	}
}
