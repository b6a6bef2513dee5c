// Package arrowio is Arrow in this repository's terms: schemas, batches, columns without copies, builders, and the form in which a batch travels
// on the bus. It is the only package (with those below it) that imports arrow-go; see docs/adr/0005.
//
// A batch is immutable and its memory is the garbage collector's: nothing is counted or released. It refuses to be a query engine: what
// is computed over columns belongs to those who compute it.
package arrowio
