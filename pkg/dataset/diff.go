package dataset

// Diff is how a version differs from another.
type Diff struct {
	From    Version        `json:"from"`
	To      Version        `json:"to"`
	Schema  []FieldChange  `json:"schema"` // in order of the newer schema, then what is gone
	Counts  [2]Counts      `json:"counts"`
	Shards  ShardChange    `json:"shards"` // of valid rows
	Columns []ColumnChange `json:"columns"`
	Suite   [2]*Suite      `json:"suite"`
}

// FieldChange is a column that came (From is nil), went (To is nil) or changed.
type FieldChange struct {
	From *Field `json:"from"`
	To   *Field `json:"to"`
}

// ShardChange counts shards by content: what both have needs no second place in the store.
type ShardChange struct {
	Shared      int   `json:"shared"`
	SharedBytes int64 `json:"shared_bytes"`
	Gone        int   `json:"gone"`
	GoneBytes   int64 `json:"gone_bytes"`
	New         int   `json:"new"`
	NewBytes    int64 `json:"new_bytes"`
}

// ColumnChange is a column of both versions whose statistics differ.
type ColumnChange struct {
	From Column `json:"from"`
	To   Column `json:"to"`
}

// Compare says how to differs from from; they may be versions of different datasets.
func Compare(from, to *Manifest) *Diff {
	return &Diff{
		From: Version{from.Name, from.Version}, To: Version{to.Name, to.Version},
		Schema: fieldChanges(from.Schema, to.Schema), Counts: [2]Counts{from.Counts, to.Counts},
		Shards: shardChanges(from.Shards, to.Shards), Columns: columnChanges(from.Statistics, to.Statistics),
		Suite: [2]*Suite{from.Suite, to.Suite},
	}
}

func fieldChanges(from, to []Field) []FieldChange {
	old, out := map[string]*Field{}, []FieldChange{}
	for i := range from {
		old[from[i].Name] = &from[i]
	}
	for i := range to {
		f := old[to[i].Name]
		if f == nil || *f != to[i] {
			out = append(out, FieldChange{f, &to[i]})
		}
		delete(old, to[i].Name)
	}
	for i := range from {
		if f := old[from[i].Name]; f != nil {
			out = append(out, FieldChange{f, nil})
		}
	}
	return out
}

func shardChanges(from, to []Shard) (c ShardChange) {
	old := map[string]int{}
	for _, s := range from {
		old[s.Digest]++
	}
	for _, s := range to {
		if old[s.Digest] > 0 {
			old[s.Digest]--
			c.Shared, c.SharedBytes = c.Shared+1, c.SharedBytes+s.Bytes
			continue
		}
		c.New, c.NewBytes = c.New+1, c.NewBytes+s.Bytes
	}
	for _, s := range from {
		if old[s.Digest] > 0 {
			old[s.Digest]--
			c.Gone, c.GoneBytes = c.Gone+1, c.GoneBytes+s.Bytes
		}
	}
	return c
}

func columnChanges(from, to []Column) []ColumnChange {
	old, out := map[string]Column{}, []ColumnChange{}
	for _, c := range from {
		old[c.Name] = c
	}
	for _, c := range to {
		if o, both := old[c.Name]; both && !o.equal(c) {
			out = append(out, ColumnChange{o, c})
		}
	}
	return out
}

func (c Column) equal(o Column) bool {
	return c.Rows == o.Rows && c.Nulls == o.Nulls && c.Bytes == o.Bytes && same(c.Min, o.Min) && same(c.Max, o.Max)
}

func same(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
