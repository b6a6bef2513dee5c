package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	"github.com/leathq/leat/services/cmd/leat/internal/top"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

// status shows pools, workers and queues as a router sees them.
func status(ctx context.Context, args []string, _ variables.Environ) error {
	fs := flag.NewFlagSet("leat status", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:8081", "gRPC `ADDRESS` of a router, or of leat up")
	watch := fs.Duration("watch", 0, "show it again every `TIME`, until Ctrl-C")
	if err := flags(fs, args, "Shows pools, workers and queues as a router sees them."); err != nil {
		return err
	}
	conn, err := grpc.NewClient(*addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("address %s: %w", *addr, err)
	}
	defer func() { _ = conn.Close() }() // nothing is in flight any more
	client := routerv1.NewRouterServiceClient(conn)
	for {
		if err := showStatus(ctx, client, *addr); err != nil {
			return err
		}
		if *watch <= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(*watch):
		}
	}
}

func showStatus(ctx context.Context, client routerv1.RouterServiceClient, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list, err := client.ListPools(ctx, &routerv1.ListPoolsRequest{})
	if err != nil {
		return fmt.Errorf("no router answers at %s: %w (start one with `leat up`, or name another with --addr)", addr, err)
	}
	if len(list.GetPools()) == 0 {
		fmt.Printf("router %s sees no pool: no worker has joined yet (`leat worker --nats URL`)\n", list.GetRouter())
		return nil
	}
	for _, p := range list.GetPools() {
		if err := showPool(os.Stdout, p); err != nil {
			return err
		}
	}
	return nil
}

// silent is how old a worker's report may be: they come four times a second, and the router counts on nothing older.
const silent = 1500 * time.Millisecond

// stateOf is what a worker said last, unless it has said nothing since.
func stateOf(m *routerv1.Worker) string {
	gone := m.GetReport().GetState() == inferv1.WorkerState_WORKER_STATE_GONE
	if !gone && time.Duration(m.GetAgeMs())*time.Millisecond > silent {
		return "lost"
	}
	return strings.ToLower(strings.TrimPrefix(m.GetReport().GetState().String(), "WORKER_STATE_"))
}

// showPool prints a pool's partitions and workers, and under them what workers say about their state.
func showPool(out io.Writer, p *routerv1.Pool) error {
	fmt.Fprintf(out, "POOL %s, policy %s\n", p.GetName(), p.GetPolicy())
	if d := p.GetScaling(); d != nil {
		fmt.Fprintf(out, "  scaling: %s, %d workers wanted, %d there: %s\n", top.Verdict(d), d.GetDesired(), d.GetReplicas(), top.Reason(d))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  PARTITION\tOWNER\tEPOCH\tQUEUED\tDISPATCHED\tPER SECOND")
	for _, part := range p.GetPartitions() {
		owner := part.GetOwner()
		if owner == "" {
			owner = "nobody"
		}
		fmt.Fprintf(w, "  %d\t%s\t%d\t%d\t%d\t%.1f\n", part.GetNumber(), owner, part.GetEpoch(), part.GetQueued(), part.GetDispatched(), part.GetRate())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(p.GetWorkers()) == 0 {
		return nil
	}
	fmt.Fprintln(w, "  WORKER\tSTATE\tENGINE\tSLOTS\tHELD\tKV USE\tPREFILL TOK/S\tBREAKER\tREPORT\tMODELS")
	notes := ""
	for _, m := range p.GetWorkers() {
		r := m.GetReport()
		state := stateOf(m)
		fmt.Fprintf(w, "  %s\t%s\t%s\t%d\t%d\t%.0f %%\t%.0f\t%s\t%d ms ago\t%s\n", r.GetWorker(), state, r.GetEngine(), r.GetSlots(), r.GetHeld(),
			100*r.GetKvUse(), r.GetPrefillRate(), m.GetBreaker(), m.GetAgeMs(), strings.Join(r.GetModels(), ", "))
		if r.GetStateNote() != "" {
			notes += fmt.Sprintf("  %s is %s: %s\n", r.GetWorker(), state, r.GetStateNote())
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := showGPUs(out, p.GetWorkers()); err != nil {
		return err
	}
	_, err := fmt.Fprint(out, notes)
	return err
}
