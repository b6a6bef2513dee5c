// Package host runs services: it owns configuration, sockets, signals, health, metrics, traces and the stop, so that a
// service owns none of them and one process or twelve differ only in the list that is given to Run.
//
//	func main() { host.Main("leat router", os.Args[1:], serve) }
//
//	func serve(ctx context.Context, args, environ []string) error {
//		cfg := router.DefaultConfig()
//		h, err := host.Open(ctx, "router", args, environ, &cfg)
//		if err != nil {
//			return err
//		}
//		defer h.Close()
//		return h.Run(ctx, router.New(cfg, h.Deps))
//	}
//
// The stop is written once, in stop.go, and every wait in it has a deadline:
//
//  1. not ready: /ready is 503 and gRPC health NOT_SERVING; --ready-delay gives load balancers time to see it;
//  2. no new calls: the gRPC listener closes, the HTTP listener refuses calls with a 503 and goes on answering /ready,
//     /health and /metrics; calls in flight may finish within --drain-timeout; then their contexts end with
//     ErrDrainDeadline as the cause, they get CutTime to say so in band, and are cut;
//  3. consumers drain: the context of every service's Run ends, and all must return within --drain-timeout;
//  4. the HTTP listener closes, and then the bus and whatever else was opened closes, in reverse order, within CloseTime each.
//
// A second signal ends the process at once. A service may ask for the stop, too (Deps.Stop): its machine is taken away, say.
//
// Exit codes: see ExitCodes.
//
// What the package refuses to do: it knows no service and starts no NATS server; it injects nothing by reflection but
// configuration; it restarts nothing (a service whose Run fails, panics or returns before it was asked to ends the
// process, cleanly); it sets no time-out on a response, since a stream of tokens has none; it registers nothing in
// global registries, so any number of hosts can live in one process.
package host
