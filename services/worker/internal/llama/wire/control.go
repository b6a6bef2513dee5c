package wire

// Tokenize asks for the ids of a text; the answer is Tokens with the same Call.
type Tokenize struct {
	Call                     uint64
	Text                     string
	AddSpecial, ParseSpecial bool
}

// Append encodes t behind b.
func (t *Tokenize) Append(b []byte) []byte {
	return putBool(putBool(putString(putUint(b, t.Call), t.Text), t.AddSpecial), t.ParseSpecial)
}

// DecodeTokenize decodes a KindTokenize payload.
func DecodeTokenize(b []byte) (Tokenize, error) {
	r := &reader{b: b}
	t := Tokenize{Call: r.uint(), Text: r.string(), AddSpecial: r.bool(), ParseSpecial: r.bool()}
	return t, r.end()
}

// Tokens is a list of token ids: the question of a Detokenize call, the answer of a Tokenize call. Err is set in an
// answer that failed.
type Tokens struct {
	Call uint64
	IDs  []int32
	Err  string
}

// Append encodes t behind b.
func (t *Tokens) Append(b []byte) []byte {
	return putString(putTokens(putUint(b, t.Call), t.IDs), t.Err)
}

// DecodeTokens decodes a KindTokens or KindDetokenize payload.
func DecodeTokens(b []byte) (Tokens, error) {
	r := &reader{b: b}
	t := Tokens{Call: r.uint(), IDs: r.tokens(), Err: r.string()}
	return t, r.end()
}

// Text answers a Detokenize call.
type Text struct {
	Call uint64
	Text string
	Err  string
}

// Append encodes t behind b.
func (t *Text) Append(b []byte) []byte {
	return putString(putString(putUint(b, t.Call), t.Text), t.Err)
}

// DecodeText decodes a KindText payload.
func DecodeText(b []byte) (Text, error) {
	r := &reader{b: b}
	t := Text{Call: r.uint(), Text: r.string(), Err: r.string()}
	return t, r.end()
}

// Pong answers a ping: Moves counts the scheduler's turns, so that a busy child whose count stands still is hung.
type Pong struct {
	Ping  uint64
	Moves uint64
	Busy  bool
}

// Append encodes p behind b.
func (p *Pong) Append(b []byte) []byte {
	return putBool(putUint(putUint(b, p.Ping), p.Moves), p.Busy)
}

// DecodePong decodes a KindPong payload.
func DecodePong(b []byte) (Pong, error) {
	r := &reader{b: b}
	p := Pong{Ping: r.uint(), Moves: r.uint(), Busy: r.bool()}
	return p, r.end()
}

// AppendID encodes the payload of Cancel, Pause, Resume and Ping.
func AppendID(b []byte, id uint64) []byte { return putUint(b, id) }

// DecodeID decodes the payload of Cancel, Pause, Resume and Ping.
func DecodeID(b []byte) (uint64, error) {
	r := &reader{b: b}
	id := r.uint()
	return id, r.end()
}
