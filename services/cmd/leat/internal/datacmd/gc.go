package datacmd

import (
	"context"
	"fmt"
	"time"
)

type gcOptions struct {
	JSONOption
	Delete bool          `yaml:"delete" flag:"delete" doc:"free them; else only show what would be freed"`
	Grace  time.Duration `yaml:"grace" flag:"grace" doc:"how old a file of no version must be: longer than any run takes, as running ones have not published yet"`
}

func gcCommand() command {
	own := &gcOptions{Grace: 7 * 24 * time.Hour}
	return stored(command{name: "gc", own: own,
		about: "Shows what belongs to no version, and with --delete frees it."}, func(ctx context.Context, s *session) error {
		g, err := s.GC(ctx, own.Grace, !own.Delete)
		if err != nil {
			return err
		}
		if own.JSON {
			return printIndented(s.out, g)
		}
		for _, o := range g.Files {
			fmt.Fprintf(s.out, "%s  %s\n", o.Key, size(o.Bytes))
		}
		what := "would be freed (--delete frees them)"
		if own.Delete {
			what = "are freed"
		}
		fmt.Fprintf(s.err, "%d files, %s, %s; %d belong to versions, %d are younger than %s\n", len(g.Files), size(g.Bytes), what, g.Kept, g.Young, own.Grace)
		return nil
	})
}
