// Package frames is the worker's way out: the deltas of many sequences become few messages, one a gateway and step.
//
// A [Stream] numbers the deltas of one sequence, counts its credit and keeps the last ones for resending; a [Sender]
// collects what streams emit and publishes it. Deltas are encoded once, straight into protobuf's wire format
// (leat.infer.v1.Delta), and never again: a frame, and a resent delta, are copies of those bytes.
//
// The package refuses to know who runs a sequence, what became of it, and which bus carries the frames.
package frames
