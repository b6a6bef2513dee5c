package arrowio

import (
	"fmt"
	"strconv"
)

// The headers of a batch on the bus.
const (
	HeaderBatch  = "Leat-Batch"  // number in its partition, from 0
	HeaderRows   = "Leat-Rows"   // how many rows
	HeaderSchema = "Leat-Schema" // Schema.Fingerprint
	HeaderDigest = "Leat-Digest" // Digest of the message's data
)

// Header is what a message with an encoded batch says of it.
func Header(number uint64, b *Batch, data []byte) map[string]string {
	return map[string]string{
		HeaderBatch: strconv.FormatUint(number, 10), HeaderRows: strconv.Itoa(b.rows),
		HeaderSchema: b.schema.Fingerprint(), HeaderDigest: Digest(data),
	}
}

// CheckHeader compares what a message says of its batch with the batch and the data it came in, and returns the number. get gives a header's value, empty
// where there is none; the number must be there, the others are checked where they are. An error is a *MalformedError that names the header.
func CheckHeader(get func(name string) string, b *Batch, data []byte) (number uint64, err error) {
	number, err = strconv.ParseUint(get(HeaderBatch), 10, 64)
	if err != nil {
		return 0, &MalformedError{Where: "header " + HeaderBatch, What: fmt.Sprintf("%.40q is not a batch's number", get(HeaderBatch))}
	}
	for name, want := range map[string]func() string{
		HeaderRows:   func() string { return strconv.Itoa(b.rows) },
		HeaderSchema: b.schema.Fingerprint,
		HeaderDigest: func() string { return Digest(data) },
	} {
		if is := get(name); is != "" && is != want() {
			return 0, &MalformedError{Where: "header " + name, What: fmt.Sprintf("it says %.60q, the batch has %q: the message was changed on its way, or written wrongly", is, want())}
		}
	}
	return number, nil
}
