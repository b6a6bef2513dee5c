package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

type lake struct {
	cfg    config
	filter iceberg.BooleanExpression
}

// mark says up to which snapshot a table was read.
type mark struct {
	Table    string `json:"table"` // its UUID
	Snapshot int64  `json:"snapshot"`
}

// spec is a partition: the files From (included) to To (excluded) of a plan, which is made again of the same metadata.
type spec struct {
	Metadata string `json:"metadata"`
	Snapshot int64  `json:"snapshot"`
	Since    int64  `json:"since,omitempty"` // 0: the whole table
	From     int    `json:"from"`
	To       int    `json:"to"`
	Digest   string `json:"digest"` // of what is in it
}

// Plan takes the files of a snapshot, or of those that were appended since the watermark.
func (l *lake) Plan(ctx context.Context, since json.RawMessage) (*sdk.Plan, error) {
	t, err := l.cfg.table(ctx)
	if err != nil {
		return nil, err
	}
	snap, err := l.snapshot(t)
	if err != nil {
		return nil, err
	}
	plan := &sdk.Plan{}
	was, err := sinceOf(since, t)
	if err != nil {
		return nil, err
	}
	base := spec{Metadata: t.MetadataLocation(), Since: was}
	if snap != nil {
		base.Snapshot = snap.SnapshotID
		plan.Watermark = mark{t.Metadata().TableUUID().String(), snap.SnapshotID}
	}
	if plan.Schema, err = l.schema(ctx, t, base); err != nil || snap == nil {
		return plan, err
	}
	if err := appended(t, was, snap.SnapshotID); err != nil {
		return nil, err
	}
	tasks, err := l.tasks(ctx, t, base)
	if err != nil {
		return nil, err
	}
	plan.Parts = l.cfg.parts(tasks, base)
	plan.Notes = append(plan.Notes, fmt.Sprintf("snapshot %d of %s: %d data files", snap.SnapshotID, t.Location(), len(tasks)))
	return plan, nil
}

// snapshot is the one that is asked for; nil where the table has none yet.
func (l *lake) snapshot(t *table.Table) (*table.Snapshot, error) {
	missing := func(what string) error {
		return sdk.Fail(source.Missing, "the table %s has no %s; it has the snapshots %s and the refs %s", t.Location(), what, snapshots(t), refs(t))
	}
	switch at, _ := l.cfg.asOf(); {
	case l.cfg.Snapshot != 0:
		if s := t.SnapshotByID(l.cfg.Snapshot); s != nil {
			return s, nil
		}
		return nil, missing(fmt.Sprintf("snapshot %d", l.cfg.Snapshot))
	case l.cfg.Ref != "":
		if s := t.SnapshotByName(l.cfg.Ref); s != nil {
			return s, nil
		}
		return nil, missing(fmt.Sprintf("branch or tag %q", l.cfg.Ref))
	case at != 0:
		if s := t.SnapshotAsOf(at, true); s != nil {
			return s, nil
		}
		return nil, missing("snapshot as of " + l.cfg.AsOf)
	}
	return t.CurrentSnapshot(), nil
}

func snapshots(t *table.Table) string {
	var out []string
	for _, s := range t.Metadata().Snapshots() {
		out = append(out, fmt.Sprint(s.SnapshotID))
	}
	return fmt.Sprint(out[max(0, len(out)-10):])
}

func refs(t *table.Table) string {
	return fmt.Sprint(slices.Sorted(maps.Keys(maps.Collect(t.Metadata().Refs()))))
}

func sinceOf(raw json.RawMessage, t *table.Table) (int64, error) {
	if len(raw) == 0 {
		return 0, nil
	}
	var m mark
	if err := json.Unmarshal(raw, &m); err != nil || m.Snapshot == 0 {
		return 0, sdk.Fail("bad_watermark", "the watermark %.100s is not of an Iceberg table; run with --full", raw)
	}
	if id := t.Metadata().TableUUID().String(); id != m.Table {
		return 0, sdk.Fail(source.Changed, "the table %s was made anew (it was %s, now it is %s); run with --full", t.Location(), m.Table, id)
	}
	return m.Snapshot, nil
}

// appended holds that a table has only grown since a snapshot, or was arranged anew: changes of rows that were read cannot be taken back.
func appended(t *table.Table, since, now int64) error {
	for at := now; since != 0 && at != since; {
		s := t.SnapshotByID(at)
		if s == nil || s.ParentSnapshotID == nil {
			return sdk.Fail(source.Changed, "the table %s was read at snapshot %d, which is no ancestor of snapshot %d: it was rolled back, or the snapshots between have expired; run with --full", t.Location(), since, now)
		}
		if s.Summary == nil || s.Summary.Operation != table.OpAppend && s.Summary.Operation != table.OpReplace {
			return sdk.Fail(source.Changed, "snapshot %d of the table %s changed or deleted rows after snapshot %d was read; run with --full", at, t.Location(), since)
		}
		at = *s.ParentSnapshotID
	}
	return nil
}

// maxRows bounds the rows that are decoded at once; wide rows are cut again by bytes.
const maxRows = 8192

// options are those of a scan. The schema is that of the snapshot where one is asked for by its number, time or tag, else the table's own.
func (l *lake) options(sp spec) []table.ScanOption {
	opts := []table.ScanOption{table.WithRowFilter(l.filter), table.WithMaxConcurrency(1), table.WithArrowBatchSize(maxRows), table.WithScanPlanningMode(table.ScanPlanningLocal)}
	if len(l.cfg.Columns) > 0 {
		opts = append(opts, table.WithSelectedFields(l.cfg.Columns...))
	}
	if (l.cfg.Snapshot != 0 || l.cfg.AsOf != "") && sp.Snapshot != 0 {
		opts = append(opts, table.WithSnapshotID(sp.Snapshot))
	}
	return opts
}

func (l *lake) scan(t *table.Table, sp spec) (*table.Scan, error) {
	s := t.Scan(l.options(sp)...)
	if l.cfg.Ref == "" || sp.Snapshot == 0 {
		return s, nil
	}
	return s.UseRef(l.cfg.Ref)
}

// tasks are the data files of a plan, by name.
func (l *lake) tasks(ctx context.Context, t *table.Table, sp spec) (out []table.FileScanTask, err error) {
	switch sp.Since {
	case sp.Snapshot:
		return nil, nil
	case 0:
		s, err := l.scan(t, sp)
		if err != nil {
			return nil, err
		}
		out, err = s.PlanFiles(ctx)
		if err != nil {
			return nil, fmt.Errorf("plan the files of snapshot %d: %w", sp.Snapshot, err)
		}
	default:
		opts := []table.ScanOption{table.WithRowFilter(l.filter), table.WithScanPlanningMode(table.ScanPlanningLocal)}
		out, err = t.NewIncrementalAppendScan(opts...).FromSnapshotExclusive(sp.Since).ToSnapshot(sp.Snapshot).PlanFiles(ctx)
		if err != nil {
			return nil, fmt.Errorf("plan the files that were added after snapshot %d: %w", sp.Since, err)
		}
	}
	slices.SortFunc(out, func(a, b table.FileScanTask) int {
		return strings.Compare(a.File.FilePath(), b.File.FilePath())
	})
	for _, k := range out {
		if f := k.File.FileFormat(); f != iceberg.ParquetFile {
			return nil, sdk.Fail(source.Refused, "%s is in the format %s; only Parquet is read", k.File.FilePath(), f)
		}
	}
	return out, nil
}

// schema is that of the rows.
func (l *lake) schema(ctx context.Context, t *table.Table, sp spec) (*arrowio.Schema, error) {
	s, err := l.scan(t, sp)
	if err != nil {
		return nil, err
	}
	as, _, err := s.ReadTasks(ctx, nil)
	if err != nil {
		return nil, sdk.Fail("bad_config", "columns and filter do not go with the table %s: %v; its columns are %s", t.Location(), err, names(t.Schema()))
	}
	out, err := arrowio.SchemaOf(as)
	if err != nil {
		return nil, sdk.Fail(source.Refused, "the table %s: %v; leave it out by naming the others in columns", t.Location(), err)
	}
	return out, nil
}

func names(s *iceberg.Schema) string {
	var out []string
	for _, f := range s.Fields() {
		out = append(out, f.Name)
	}
	return strings.Join(out, ", ")
}
