package datacmd

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor"
	"github.com/leathq/leat/services/validator/check"
)

const profileCodes = `Exit codes:
  0    done
  2    a file cannot be read, or the command line is wrong
  130  a second signal (Ctrl-C twice) ended it at once
`

type profileOptions struct {
	InputOptions `yaml:",inline"`
	Format       string `yaml:"format" flag:"format" oneof:"suite|text|json|html" doc:"suite: a suite as Great Expectations reads it; text: what is in the columns; json: the same for programs; html: a page of both"`
	Name         string `yaml:"name" flag:"name" doc:"the suite's name; empty: the file's"`
	Redact       string `yaml:"redact" flag:"redact" oneof:"pii|all|none" doc:"what a page masks in values: addresses, numbers of phones and cards, and keys; all; none"`
	Output       string `yaml:"output" flag:"output" doc:"write to this file instead of standard output; it appears whole or not at all"`
}

// profileCommand says what is in files, and suggests a suite for such.
func profileCommand() command {
	o := &profileOptions{Format: "suite", Redact: "pii"}
	return command{
		name: "profile", operands: "FILE...", most: -1, own: o, codes: profileCodes, failed: exitUnknown, run: o.run,
		about: "Says what is in files, and suggests a suite of expectations that they meet.\nIt is a start, for you know what must hold. " +
			"A directory means the files in it that end as the type's do, - is standard input.",
		examples: []string{"leat data profile orders.parquet --output suite.json", "leat data profile raw/ --type text --format html --output page.html"},
	}
}

func (o *profileOptions) run(ctx context.Context, c call) error {
	paths := c.operands
	if len(paths) == 0 {
		return wrong("say which files: leat data profile FILE...")
	}
	in, err := o.open(ctx, paths, c.in)
	if err != nil {
		return err
	}
	defer in.close()
	seen, err := look(ctx, in, c.err)
	if err != nil {
		return err
	}
	seen.title = strings.Join(paths, " ")
	if o.Name == "" {
		o.Name = suiteName(paths[0])
	}
	if n := seen.refused.refusals(); n > 0 {
		fmt.Fprintf(c.err, "%s records could not be read as rows and are not part of this, such as %s:%d: %s\n",
			number(n), cut(seen.refused.refused[0].File, 200), seen.refused.refused[0].Line, cut(seen.refused.refused[0].Reason, 300))
	}
	return deliver(o.Output, c.out, func(out io.Writer) error { return o.print(out, seen) })
}

// suiteName is a file's name without what says its type.
func suiteName(path string) string {
	name := filepath.Base(path)
	if cut, _, ok := strings.Cut(name, "."); ok && cut != "" {
		name = cut
	}
	if strings.Trim(name, "-/.*?") == "" {
		return "suggested"
	}
	return name
}

// sight is what was seen of rows.
type sight struct {
	profile *check.Profile
	refused finding // only what was refused
	title   string
	summary *check.Summary
}

// look reads everything once.
func look(ctx context.Context, in *input, errOut io.Writer) (*sight, error) {
	bar := barOf(in, errOut)
	defer bar.end()
	begin := func() (*sight, error) {
		p, err := check.NewProfile(in.plan.Schema)
		return &sight{profile: p}, err
	}
	all, err := begin()
	if err != nil {
		return nil, err
	}
	err = each(ctx, in.plan.Parts, func(ctx context.Context, p ingestor.SourcePart) (*sight, error) {
		own, err := begin()
		if err != nil {
			return nil, err
		}
		return own, in.part(ctx, p, func(b *arrowio.Batch, refused []ingestor.Refused) error {
			own.refused.refuse(refused)
			if b == nil {
				return nil
			}
			bar.add(b.Rows())
			return own.profile.Add(b)
		})
	}, func(next *sight) error {
		all.refused.refuse(next.refused.refused)
		all.refused.more += next.refused.more
		return all.profile.Merge(next.profile)
	})
	if err != nil {
		return nil, err
	}
	all.summary = all.profile.Summary()
	return all, nil
}

func (o *profileOptions) print(out io.Writer, s *sight) error {
	switch o.Format {
	case "text":
		return printSummary(out, s.summary)
	case "json":
		return printIndented(out, s.summary)
	}
	text, err := check.Suggest(o.Name, s.summary)
	if err != nil {
		return err
	}
	if o.Format == "suite" {
		_, err := out.Write(text)
		return err
	}
	suite, err := check.Read(text)
	if err != nil {
		return fmt.Errorf("read the suggested suite: %w", err)
	}
	rows, refused := s.summary.Rows, s.refused.refusals()
	return check.HTML(out, check.Report{Title: cut(s.title, 200), Suggested: suite, Columns: s.summary.Columns, Redact: check.Redact(o.Redact),
		Counts: &check.Counts{In: rows + refused, Valid: rows, Refused: refused}, Refused: refusedExamples(s.refused.refused)})
}

// printSummary prints what is in columns for people.
func printSummary(out io.Writer, s *check.Summary) error {
	fmt.Fprintf(out, "%s rows, %d columns\n\n", number(s.Rows), len(s.Columns))
	t := table(out)
	fmt.Fprintln(t, "COLUMN\tTYPE\tMISSING\tDIFFERENT\tFROM\tTO\tLOOKS LIKE")
	for i := range s.Columns {
		c := &s.Columns[i]
		different := "many"
		switch {
		case c.Unique:
			different = "all"
		case c.Distinct > 0:
			different = number(c.Distinct)
		case c.Class == "other":
			different = "-"
		}
		from, to := ends(c)
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clean(c.Name), cut(c.Type, 30), number(c.Missing), different, from, to, looks(c))
	}
	return t.Flush()
}

// ends are from where to where a column is.
func ends(c *check.Column) (from, to string) {
	switch {
	case c.Numbers != nil:
		return short(c.Numbers.Min), short(c.Numbers.Max)
	case c.Times != nil:
		return c.Times.First.Format("2006-01-02 15:04"), c.Times.Last.Format("2006-01-02 15:04")
	case c.Lengths != nil:
		return short(c.Lengths.Min) + " chars", short(c.Lengths.Max) + " chars"
	}
	return "-", "-"
}

// looks is a column's form, or its most common values.
func looks(c *check.Column) string {
	switch {
	case c.Form.Strftime != "":
		return c.Form.Strftime
	case c.Distinct > 0 && c.Distinct <= 12 && len(c.Values) > 0 && c.Class != "number":
		var vs []string
		for _, v := range c.Values {
			vs = append(vs, v.Text)
		}
		return cut(strings.Join(vs, ", "), 60)
	case c.Form.Regex != "":
		return cut(c.Form.Regex, 60)
	case c.Form.JSON:
		return "JSON"
	}
	return ""
}

func short[F ~float64](f F) string { return fmt.Sprintf("%.6g", float64(f)) }
