package gateway

import "strings"

// Routes lists what the gateway serves as an OpenAPI document names it.
func (g *Gateway) Routes() []string {
	var out []string
	for _, r := range g.routes() {
		out = append(out, r.method+" "+strings.ReplaceAll(r.path, "...}", "}"))
	}
	return out
}
