package datacmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/validator/check"
)

// The exit codes of validate and what they mean.
const (
	exitInvalid = 1
	exitUnknown = 2

	validateCodes = `Exit codes:
  0    valid
  1    not valid: an expectation does not hold, or records could not be read as rows
  2    it could not tell: a file or the suite cannot be read, an expectation cannot be judged, the command line is wrong
  130  a second signal (Ctrl-C twice) ended it at once
`
)

type validateOptions struct {
	InputOptions  `yaml:",inline"`
	Suite         string `yaml:"suite" flag:"suite" doc:"the suite: a file of Great Expectations' JSON, 0.x or 1.x"`
	Format        string `yaml:"format" flag:"format" oneof:"text|json|html" doc:"text for people, json as Great Expectations writes it, or html: a page that also draws the columns"`
	Redact        string `yaml:"redact" flag:"redact" oneof:"pii|all|none" doc:"what a page masks in values: addresses, numbers of phones and cards, and keys; all; none"`
	ResultFormat  string `yaml:"result_format" flag:"result-format" doc:"BOOLEAN_ONLY, BASIC, SUMMARY, COMPLETE, or a JSON object; of expectations that name none of their own"`
	Parameters    string `yaml:"parameters" flag:"parameters" doc:"values of $PARAMETERs: a JSON object, or @FILE"`
	SQL           bool   `yaml:"sql" flag:"sql" doc:"run expectations that Great Expectations runs on databases alone (LIKE, queries), as on an SQLite made of the rows"`
	Tables        string `yaml:"tables" flag:"tables" doc:"rows of other tables that the suite compares with: a JSON object of names and numbers, or @FILE"`
	Output        string `yaml:"output" flag:"output" doc:"write the result to this file instead of standard output; it appears whole or not at all"`
	RefusedAreFit bool   `yaml:"allow_refused" flag:"allow-refused" doc:"records that cannot be read as rows do not make the data invalid"`
}

// validateCommand holds files against a suite, within this process.
func validateCommand() command {
	o := &validateOptions{Format: "text", ResultFormat: "SUMMARY", Redact: "pii"}
	return command{
		name: "validate", operands: "FILE... --suite S", most: -1, own: o, codes: validateCodes, failed: exitUnknown, run: o.run,
		about:    "Holds files against a suite of expectations, without a server.\nA directory means the files in it that end as the type's do, - is standard input.",
		examples: []string{"leat data validate articles.parquet --suite suite.json", "leat data validate raw/ --type text --suite suite.json --format json"},
	}
}

func (o *validateOptions) run(ctx context.Context, c call) error {
	paths := c.operands
	switch {
	case len(paths) == 0:
		return wrong("say which files: leat data validate FILE... --suite SUITE")
	case o.Suite == "":
		return wrong("--suite is missing: a file of Great Expectations' JSON; `leat data profile FILE` suggests one")
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // what is alive is mostly the rows at hand: a third less memory for a tenth more time
	}
	suite, err := os.ReadFile(o.Suite)
	if err != nil {
		return fmt.Errorf("the suite: %w", err)
	}
	parameters, err := argument("parameters", o.Parameters)
	if err != nil {
		return err
	}
	tables, err := argument("tables", o.Tables)
	if err != nil {
		return err
	}
	in, err := o.open(ctx, paths, c.in)
	if err != nil {
		return err
	}
	defer in.close()
	scratch, err := os.MkdirTemp("", "leat-validate-")
	if err != nil {
		return fmt.Errorf("scratch space: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	plan, err := check.Compile(suite, in.plan.Schema, check.Options{ResultFormat: o.ResultFormat, Parameters: parameters, Scratch: scratch, SQL: o.SQL, Tables: tables})
	if err != nil {
		return fmt.Errorf("suite %s: %w", o.Suite, err)
	}
	found, err := validate(ctx, in, &asked{plan: plan, columns: o.Format == "html"}, c.err)
	if err != nil {
		return err
	}
	defer func() { _ = found.state.Close() }()
	if found.result, err = plan.Result(found.state); err != nil {
		return err
	}
	found.title, found.schema = strings.Join(paths, " "), in.plan.Schema
	if err := o.write(found, c.out); err != nil {
		return err
	}
	return o.verdict(found, c.err)
}

// argument is the value of a flag, or the file that @FILE names.
func argument(flag, text string) ([]byte, error) {
	name, ok := strings.CutPrefix(text, "@")
	if !ok {
		return []byte(text), nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return data, nil
}

// write prints the result, or puts it into a file, which is whole or not there.
func (o *validateOptions) write(f *finding, out io.Writer) error {
	return deliver(o.Output, out, func(out io.Writer) error {
		switch o.Format {
		case "json":
			text, err := f.result.MarshalJSON()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(out, "%s\n", text)
			return err
		case "html":
			return check.HTML(out, o.page(f))
		}
		return printResult(out, f, o.RefusedAreFit)
	})
}

// verdict is the command's exit code, with a reason for people.
func (o *validateOptions) verdict(f *finding, errOut io.Writer) error {
	if n := f.refusals(); n > 0 {
		fmt.Fprintf(errOut, "%s records could not be read as rows:\n", number(n))
		for _, r := range f.refused {
			fmt.Fprintf(errOut, "  %s:%d: %s\n", cut(r.File, 200), r.Line, cut(r.Reason, 300))
		}
		if f.more > 0 {
			fmt.Fprintf(errOut, "  and %s more\n", number(f.more))
		}
	}
	failed, unjudged := tally(f.result)
	switch v := f.verdict(o.RefusedAreFit); {
	case v == check.Valid:
		return nil
	case v == check.Unknown:
		return &host.Exit{Code: exitUnknown, Err: fmt.Errorf("could not tell: %d of %d expectations cannot be judged", unjudged, len(f.result.Results))}
	case failed > 0:
		return &host.Exit{Code: exitInvalid, Err: fmt.Errorf("not valid: %d of %d expectations do not hold", failed, len(f.result.Results))}
	}
	return &host.Exit{Code: exitInvalid, Err: errors.New("not valid: records could not be read as rows; --allow-refused lets them pass")}
}

// verdict is what a suite's result and the refused records come to. What does not hold outweighs what cannot be judged.
func (f *finding) verdict(refusedAreFit bool) check.Verdict {
	failed, unjudged := tally(f.result)
	switch {
	case failed > 0:
		return check.Invalid
	case unjudged > 0 || !f.result.Success:
		return check.Unknown
	case f.refusals() > 0 && !refusedAreFit:
		return check.Invalid
	}
	return check.Valid
}

// tally counts the expectations that do not hold, and those that cannot be judged.
func tally(r *check.Result) (failed, unjudged int) {
	for _, e := range r.Results {
		switch {
		case e.Refusal != "" || e.Exception != "" || e.Success == nil:
			unjudged++
		case !*e.Success:
			failed++
		}
	}
	return failed, unjudged
}
