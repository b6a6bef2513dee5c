package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"
)

// guide prints commands that work as pasted, once a model can be called.
type guide struct {
	http, grpc string
	out        io.Writer
}

// Name is the service's name.
func (guide) Name() string { return "guide" }

// Register has nothing to add.
func (guide) Register(grpc.ServiceRegistrar) {}

// Run waits for the first model, prints, and then waits for the end.
func (g guide) Run(ctx context.Context) error {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for g.http != "" {
		if model := firstModel(ctx, g.http); model != "" {
			g.print(model)
			break
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
	<-ctx.Done()
	return nil
}

// print leaves out what is switched off.
func (g guide) print(model string) {
	text := fmt.Sprintf(snippets, g.http, model)
	if g.grpc != "" {
		text += fmt.Sprintf(rpcSnippet, model, g.grpc)
	}
	fmt.Fprint(g.out, text)
}

// local is how this machine reaches a listener: one on all addresses ("[::]:8080") is not an address to paste.
func local(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// firstModel is the first model that the gateway lists, or empty.
func firstModel(ctx context.Context, addr string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/v1/models", nil)
	if err != nil {
		return ""
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil || len(list.Data) == 0 {
		return ""
	}
	return list.Data[0].ID
}

const snippets = `
Ready. Try it:

  curl http://%[1]s/v1/chat/completions -H 'Content-Type: application/json' -d '{
    "model": "%[2]s", "stream": true,
    "messages": [{"role": "user", "content": "Why is the sky blue?"}]}'

  python3 -m pip install -q --target /tmp/leat-openai openai && PYTHONPATH=/tmp/leat-openai python3 -c '
from openai import OpenAI
client = OpenAI(base_url="http://%[1]s/v1", api_key="none")
answer = client.chat.completions.create(model="%[2]s", messages=[{"role": "user", "content": "Why is the sky blue?"}])
print(answer.choices[0].message.content)'

`

const rpcSnippet = `  go run github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4 -plaintext -d '{
    "prompt": "The sky is", "max_tokens": 16, "model": "%[1]s"}' %[2]s leat.gateway.v1.GatewayService/Generate

`
