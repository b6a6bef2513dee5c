package assets

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/leathq/leat/pkg/conf"
)

// Command is `leat fetch`: it puts the engine libraries and a model in place and prints
// where they are, one "name<TAB>path" a line on stdout; progress goes to stderr. Its help
// and a wrong command line come back as conf.Help and *conf.Error.
func Command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var spec Spec
	opt := Options{Progress: stderr}
	set := flag.NewFlagSet("leat fetch", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&spec.Model, "model", "", "GGUF file, or hf:owner/repo/file.gguf[@revision] (default: the small model "+DefaultModel+")")
	set.StringVar(&spec.EngineLib, "engine-lib", "", "directory with llama.cpp's shared libraries, in place of the prebuilt ones")
	set.BoolVar(&spec.NoModel, "no-model", false, "fetch the engine libraries only")
	set.BoolVar(&spec.NoEngine, "no-engine", false, "fetch the model only")
	set.StringVar(&opt.CacheDir, "cache", "", "where to keep them (default: LEAT_CACHE, else leat in the user's cache directory)")
	set.BoolVar(&opt.Offline, "offline", false, "only check what is there; no client is started, no connection opened")
	set.Func("transfer", "client: npm and pip download; direct: resume at the byte where it stopped (default: LEAT_TRANSFER, else client)",
		func(s string) error { opt.Transfer = Transfer(s); return nil })
	err := set.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return usage(set)
	}
	if err == nil && set.NArg() > 0 {
		err = fmt.Errorf("%q is not a flag and leat fetch takes no arguments", set.Arg(0))
	}
	if err != nil {
		return &conf.Error{Usage: true, Problems: []string{err.Error() + "; see leat fetch --help"}}
	}
	paths, err := Ensure(ctx, spec, opt)
	if err != nil {
		return err
	}
	if paths.EngineLib != "" {
		fmt.Fprintf(stdout, "engine-lib\t%s\n", paths.EngineLib)
	}
	if paths.Model != "" {
		fmt.Fprintf(stdout, "model\t%s\n", paths.Model)
	}
	return nil
}

func usage(set *flag.FlagSet) conf.Help {
	var b strings.Builder
	b.WriteString("Usage: leat fetch [flags]\n\nPuts the engine libraries and a model into the cache, once; later starts need no network.\n\nFlags:\n")
	set.SetOutput(&b)
	set.PrintDefaults()
	return conf.Help(b.String())
}
