package pyre

type moveKind uint8

const (
	mSet    moveKind = iota // one character of set
	mSpan                   // min to max characters of set
	mSplit                  // try x, then y
	mPlace                  // the place holds
	mSave                   // note the position in slot
	mLook                   // the moves from x on match here (or not), then next
	mAtomic                 // the moves from x on match here and are not re-entered
	mSame                   // the text of group again
	mCond                   // x when group took part, else y
	mMark                   // note the position in slot, for mMoved
	mMoved                  // x when the position has changed since mMark, else y
	mMatch
	mNever
)

type move struct {
	kind     moveKind
	not      bool
	behind   bool
	greed    greed
	place    place
	set      *charSet
	min, max int
	slot     int // or group, or width
	fold     *folding
	x, y     int32
}

// charSet answers for ASCII by a bit.
type charSet struct {
	ascii [128]bool
	set   runeSet
}

func newCharSet(s runeSet) *charSet {
	c := &charSet{set: s}
	for r := range c.ascii {
		c.ascii[r] = s.has(rune(r))
	}
	return c
}

func (c *charSet) has(r rune) bool {
	if r < 0x80 {
		return c.ascii[r]
	}
	return c.set.has(r)
}

// moves is a pattern as instructions for a backtracking matcher, in Python's order of attempts.
type moves struct {
	list  []move
	start int32
	slots int
}

func newMoves(root *node, groups int) (*moves, error) {
	m := &moves{slots: 2 * groups}
	var err error
	m.start, err = m.compile(root, m.add(move{kind: mMatch}))
	return m, err
}

func (m *moves) add(mv move) int32 {
	m.list = append(m.list, mv)
	return int32(len(m.list) - 1)
}

func (m *moves) compile(n *node, next int32) (at int32, err error) {
	if len(m.list) > maxSteps {
		return 0, errTooLarge
	}
	switch n.kind {
	case kSet:
		return m.add(move{kind: mSet, set: newCharSet(n.set), x: next}), nil
	case kAssert:
		return m.add(move{kind: mPlace, place: n.place, x: next}), nil
	case kNothing:
		return m.add(move{kind: mNever}), nil
	case kAlt:
		return m.either(n.subs, next)
	case kRepeat:
		return m.repeated(n, next)
	case kGroup:
		return m.group(n, next)
	case kLook, kAtomic:
		return m.apart(n, next)
	case kBackref:
		return m.add(move{kind: mSame, slot: 2 * n.group, fold: foldOf(n.flags), x: next}), nil
	case kCond:
		return m.cond(n, next)
	}
	for i := len(n.subs) - 1; i >= 0 && err == nil; i-- {
		next, err = m.compile(n.subs[i], next)
	}
	return next, err
}

func foldOf(f flags) *folding {
	if f&flagI == 0 {
		return nil
	}
	return &folding{ascii: f&flagA != 0}
}

func (m *moves) either(subs []*node, next int32) (int32, error) {
	at, err := m.compile(subs[len(subs)-1], next)
	for i := len(subs) - 2; i >= 0 && err == nil; i-- {
		var x int32
		x, err = m.compile(subs[i], next)
		at = m.add(move{kind: mSplit, x: x, y: at})
	}
	return at, err
}

func (m *moves) group(n *node, next int32) (int32, error) {
	if n.group == 0 {
		return m.compile(n.subs[0], next)
	}
	closing := m.add(move{kind: mSave, slot: 2*n.group + 1, x: next})
	body, err := m.compile(n.subs[0], closing)
	return m.add(move{kind: mSave, slot: 2 * n.group, x: body}), err
}

func (m *moves) apart(n *node, next int32) (int32, error) {
	body, err := m.compile(n.subs[0], m.add(move{kind: mMatch}))
	if n.kind == kAtomic {
		return m.add(move{kind: mAtomic, x: body, y: next}), err
	}
	return m.add(move{kind: mLook, not: n.not, behind: n.behind, slot: n.width, x: body, y: next}), err
}

func (m *moves) cond(n *node, next int32) (int32, error) {
	yes, err := m.compile(n.subs[0], next)
	if err != nil {
		return 0, err
	}
	no, err := m.compile(n.subs[1], next)
	return m.add(move{kind: mCond, slot: 2 * n.group, x: yes, y: no}), err
}

func (m *moves) repeated(n *node, next int32) (int32, error) {
	sub := n.subs[0]
	if n.greed == possessive {
		body := *n
		body.greed = greedy
		return m.apart(&node{kind: kAtomic, subs: []*node{&body}}, next)
	}
	if sub.kind == kSet {
		return m.add(move{kind: mSpan, set: newCharSet(sub.set), min: n.min, max: n.max, greed: n.greed, x: next}), nil
	}
	return m.counted(n, next)
}

// counted repeats a body by copies of it. A pass that consumed nothing is the last, as in Python.
func (m *moves) counted(n *node, next int32) (at int32, err error) {
	sub, done := n.subs[0], next
	if n.max == unlimited {
		if next, err = m.loop(n, next); err != nil {
			return 0, err
		}
	}
	for i := n.min; i < n.max && err == nil; i++ {
		slot := m.slot()
		moved := m.add(move{kind: mMoved, slot: slot, x: next, y: done})
		var body int32
		body, err = m.compile(sub, moved)
		next = m.split(n, m.add(move{kind: mMark, slot: slot, x: body}), done)
	}
	for i := 0; i < n.min && err == nil; i++ {
		next, err = m.compile(sub, next)
	}
	return next, err
}

func (m *moves) loop(n *node, next int32) (int32, error) {
	slot := m.slot()
	again := m.split(n, 0, next)
	moved := m.add(move{kind: mMoved, slot: slot, x: again, y: next})
	body, err := m.compile(n.subs[0], moved)
	mark := m.add(move{kind: mMark, slot: slot, x: body})
	if n.greed == lazy {
		m.list[again].y = mark
	} else {
		m.list[again].x = mark
	}
	return again, err
}

func (m *moves) split(n *node, body, next int32) int32 {
	if n.greed == lazy {
		return m.add(move{kind: mSplit, x: next, y: body})
	}
	return m.add(move{kind: mSplit, x: body, y: next})
}

func (m *moves) slot() int {
	m.slots++
	return m.slots - 1
}
