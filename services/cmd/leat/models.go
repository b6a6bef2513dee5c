package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

// flags parses a tool's flags; positional arguments are refused.
func flags(fs *flag.FlagSet, args []string, about string) error {
	var text helpText
	fs.SetOutput(&text)
	fs.Usage = func() {
		fmt.Fprintf(&text, "Usage: %s [flags]\n\n%s\n\nFlags:\n", fs.Name(), about)
		fs.PrintDefaults()
	}
	switch err := fs.Parse(args); {
	case err == flag.ErrHelp:
		return conf.Help(text)
	case err != nil:
		return &conf.Error{Usage: true, Problems: []string{fmt.Sprintf("%v; see %s --help", err, fs.Name())}}
	case fs.NArg() > 0:
		return &conf.Error{Usage: true, Problems: []string{fmt.Sprintf("%q is not expected; see %s --help", fs.Arg(0), fs.Name())}}
	}
	return nil
}

type helpText string

func (h *helpText) Write(p []byte) (int, error) {
	*h += helpText(p)
	return len(p), nil
}

// models lists what the gateway can call.
func models(ctx context.Context, args []string, _ variables.Environ) error {
	fs := flag.NewFlagSet("leat models", flag.ContinueOnError)
	url := fs.String("url", "http://127.0.0.1:8080", "`URL` of the gateway")
	if err := flags(fs, args, "Lists the models that can be called now."); err != nil {
		return err
	}
	var list struct {
		Data []struct {
			ID      string `json:"id"`
			Created int64  `json:"created"`
			OwnedBy string `json:"owned_by"`
			Context int    `json:"max_model_len"`
		} `json:"data"`
	}
	if err := getJSON(ctx, *url+"/v1/models", &list); err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODEL\tSERVED BY\tCONTEXT\tSINCE")
	for _, m := range list.Data {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", m.ID, m.OwnedBy, m.Context, time.Unix(m.Created, 0).Format(time.DateTime))
	}
	return w.Flush()
}

// getJSON reads a gateway's answer.
func getJSON(ctx context.Context, url string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		base := strings.TrimSuffix(url, "/v1/models")
		return &conf.Error{Usage: true, Problems: []string{fmt.Sprintf("--url %s is no URL; did you mean http://%s?", base, base)}}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("%s is no URL: %w", url, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refused(resp)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func unreachable(err error) error {
	return fmt.Errorf("no gateway answers: %w (start one with `leat up`, or name another with --url)", err)
}

// refused reads the error of an answer in OpenAI's form.
func refused(resp *http.Response) error {
	var body struct {
		Error struct {
			Message string `json:"message"`
			Code    string `json:"code"`
		} `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || body.Error.Message == "" {
		return fmt.Errorf("the gateway answered %s", resp.Status)
	}
	return errs.New(errs.Upstream, body.Error.Code, "%s (%s)", body.Error.Message, resp.Status)
}
