// Command upstream runs the instant OpenAI-compatible server of package upstream.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/leathq/leat/e2e/bench/upstream"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, args []string) error {
	var cfg upstream.Config
	flags := flag.NewFlagSet("upstream", flag.ContinueOnError)
	flags.StringVar(&cfg.Address, "address", "127.0.0.1:9090", "`HOST:PORT` of the OpenAI endpoint")
	control := flags.String("control", "", "`HOST:PORT` of the switches (GET, POST {\"fault\",\"ttft\",\"tpot\",\"tokens\"}); empty: none")
	flags.StringVar(&cfg.Model, "model", "instant", "model `NAME`")
	flags.DurationVar(&cfg.Profile.TTFT, "ttft", 0, "`TIME` to the first token of a stream")
	flags.DurationVar(&cfg.Profile.TPOT, "tpot", 0, "`TIME` between tokens of a stream")
	flags.IntVar(&cfg.Profile.Tokens, "tokens", 16, "`N` tokens where a request gives no max_tokens")
	if err := flags.Parse(args); err != nil {
		return err
	}
	server, err := upstream.Start(cfg)
	if err != nil {
		return err
	}
	defer server.Close()
	fmt.Printf("listening on http://%s\n", server.Address())
	if *control != "" {
		listen, err := new(net.ListenConfig).Listen(ctx, "tcp", *control)
		if err != nil {
			return fmt.Errorf("listen for control: %w", err)
		}
		switches := &http.Server{Handler: server.Control(), ReadHeaderTimeout: 10 * time.Second}
		defer func() { _ = switches.Close() }() // the process ends
		go func() { _ = switches.Serve(listen) }()
		fmt.Printf("control on http://%s\n", listen.Addr())
	}
	<-ctx.Done()
	return nil
}
