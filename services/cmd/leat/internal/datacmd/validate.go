package datacmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/leathq/leat/pkg/conf"
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

// validateMain is leat data validate: files against a suite, within this process.
func validateMain(ctx context.Context, args, environ []string, io_ streams) error {
	o := &validateOptions{Format: "text", ResultFormat: "SUMMARY", Redact: "pii"}
	paths, err := loadOwn("leat data validate", "Holds files against a suite of expectations, without a server.\nA directory means the files in it that end as the type's do, - is standard input.",
		[]string{"leat data validate articles.parquet --suite suite.json", "leat data validate raw/ --type text --suite suite.json --format json"}, validateCodes, o, args, environ)
	var help conf.Help
	if errors.As(err, &help) {
		return err
	}
	if err == nil {
		err = o.run(ctx, paths, io_)
	}
	var own *host.Exit
	if err == nil || errors.As(err, &own) {
		return err
	}
	return &host.Exit{Code: exitUnknown, Err: err}
}

func (o *validateOptions) run(ctx context.Context, paths []string, s streams) error {
	switch {
	case len(paths) == 0:
		return wrong("say which files: leat data validate FILE... --suite SUITE")
	case o.Suite == "":
		return wrong("--suite is missing: a file of Great Expectations' JSON; `leat data profile FILE` suggests one")
	}
	suite, err := os.ReadFile(o.Suite)
	if err != nil {
		return fmt.Errorf("the suite: %w", err)
	}
	parameters, err := argument(o.Parameters)
	if err != nil {
		return err
	}
	tables, err := argument(o.Tables)
	if err != nil {
		return err
	}
	in, err := o.open(ctx, paths, s.in)
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
	found, err := validate(ctx, in, &asked{plan: plan, columns: o.Format == "html"}, s.err)
	if err != nil {
		return err
	}
	defer func() { _ = found.state.Close() }()
	if found.result, err = plan.Result(found.state); err != nil {
		return err
	}
	found.title, found.schema = strings.Join(paths, " "), in.plan.Schema
	if err := o.write(found, s.out); err != nil {
		return err
	}
	return o.verdict(found, s.err)
}

// argument is a value of the command line, or the file that @FILE names.
func argument(text string) ([]byte, error) {
	if name, ok := strings.CutPrefix(text, "@"); ok {
		return os.ReadFile(name)
	}
	return []byte(text), nil
}

// write prints the result, or puts it into a file, which is whole or not there.
func (o *validateOptions) write(f *finding, out io.Writer) error {
	var b bytes.Buffer
	switch o.Format {
	case "json":
		text, err := f.result.MarshalJSON()
		if err != nil {
			return err
		}
		b.Write(text)
		b.WriteByte('\n')
	case "html":
		if err := check.HTML(&b, o.page(f)); err != nil {
			return err
		}
	default:
		printResult(&b, f, o.RefusedAreFit)
	}
	return deliver(o.Output, b.Bytes(), out)
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
	switch {
	case failed > 0:
		return &host.Exit{Code: exitInvalid, Err: fmt.Errorf("not valid: %d of %d expectations do not hold", failed, len(f.result.Results))}
	case unjudged > 0 || !f.result.Success:
		return &host.Exit{Code: exitUnknown, Err: fmt.Errorf("could not tell: %d of %d expectations cannot be judged", unjudged, len(f.result.Results))}
	case f.refusals() > 0 && !o.RefusedAreFit:
		return &host.Exit{Code: exitInvalid, Err: errors.New("not valid: records could not be read as rows; --allow-refused lets them pass")}
	}
	return nil
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
