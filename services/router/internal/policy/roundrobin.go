package policy

// RoundRobin takes turns: smooth weighted round robin as in NGINX (ngx_http_upstream_round_robin.c). At every pick each
// worker's turn grows by its weight; the one with the most turn is picked and pays the sum of all weights. In every so
// many picks as the weights sum up to, each worker gets exactly its weight, and a heavy one's come spread, not in a row:
// 5, 1, 1 is a a b a c a a. As in NGINX a worker that is not weighed, since it has no room, neither gains nor pays.
// NGINX lowers the weight of a peer that failed; here the breaker keeps it out.
type RoundRobin struct{}

// Name is round_robin.
func (RoundRobin) Name() string { return "round_robin" }

// Score is the worker's turn after it grew, times −1.
func (RoundRobin) Score(_ Request, w *Worker) float64 { return -float64(w.Turn + w.weight()) }

// Slack is none.
func (RoundRobin) Slack(float64) float64 { return 0 }

// Took brings the turns of the workers that were weighed up to date once one of them was picked.
func (RoundRobin) Took(ws []Worker, choice int) {
	for i := range ws {
		ws[i].Turn += ws[i].weight()
		ws[choice].Turn -= ws[i].weight()
	}
}
