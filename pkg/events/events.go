// Package events spells every subject of the bus, once. Each is a typed value that ties a subject to its message.
//
// Adding traffic starts here. The package refuses to send or receive: that is pkg/bus.
package events

import (
	"strings"

	"github.com/leathq/leat/pkg/bus"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	jobsv1 "github.com/leathq/leat/proto/gen/leat/jobs/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
)

// Core NATS: what is worthless a second later. Delivery is at most once; order holds per publisher and subject.
var (
	// Infer: gateway → the router that owns the pool partition, its only subscriber. The reply subject is Reply's.
	Infer = bus.Subject[*inferv1.Call]{Pattern: "infer.{pool}.{partition}", Lane: bus.Control}
	// Reply: router → gateway, and NATS's own no-responders status; the last token is the sequence in hexadecimal.
	Reply = bus.Subject[*inferv1.Reply]{Pattern: "rep.{gateway}.{sequence}", Lane: bus.Control}
	// Work: router → worker. The reply subject is Undelivered's.
	Work = bus.Subject[*inferv1.Dispatch]{Pattern: "work.{worker}", Lane: bus.Control}
	// Undelivered: only NATS's own no-responders status arrives here, naming a dispatch that found no worker.
	Undelivered = bus.Subject[*inferv1.Dispatch]{Pattern: "nrs.{router}.{worker}.{number}", Lane: bus.Control}
	// Outcomes: worker → the router that dispatched.
	Outcomes = bus.Subject[*inferv1.Outcomes]{Pattern: "rtr.{router}", Lane: bus.Control}
	// Control: gateway or router → worker: ping, cancel, grant, resend, drain, cordon, describe, adapters.
	Control = bus.Subject[*inferv1.Control]{Pattern: "ctl.{worker}", Lane: bus.Control}
	// Pongs: worker → the gateway that pinged it, and NATS's own no-responders status naming a worker that is gone. With
	// PongEcho for the worker, a gateway's word to itself.
	Pongs = bus.Subject[*inferv1.Pong]{Pattern: "png.{gateway}.{worker}", Lane: bus.Control}
	// Frames: worker → gateway: all deltas of one engine step.
	Frames = bus.Subject[*inferv1.Frame]{Pattern: "tok.{gateway}", Lane: bus.Tokens}
	// Reports: worker → routers, gateways, consoles. 4 a second and on every change of load class.
	Reports = bus.Subject[*inferv1.Report]{Pattern: "rpt.{pool}.{worker}", Lane: bus.Control}
	// Heartbeats: gateway → workers and gateways, once a second.
	Heartbeats = bus.Subject[*inferv1.Heartbeat]{Pattern: "hb.{gateway}", Lane: bus.Control}
	// Asks: gateway → any worker of the pool (queue group AskGroup): tokenise, detokenise.
	Asks = bus.Subject[*inferv1.Ask]{Pattern: "ask.{pool}", Lane: bus.Control}
	// Takeovers: gateway → every router: this partition has no owner.
	Takeovers = bus.Subject[*inferv1.Takeover]{Pattern: "claim.{pool}.{partition}", Lane: bus.Control}
	// Shares: router → routers, once a second: what its partitions of a pool add to the pool's load.
	Shares = bus.Subject[*routerv1.PoolShare]{Pattern: "scl.{pool}.{router}", Lane: bus.Control}
)

// PongEcho stands for the worker in the echoes of Pongs by which a gateway sees that the bus carries.
const PongEcho = "_echo"

// AskGroup is the queue group of Asks.
const AskGroup = "workers"

// PartitionLease is the key of a partition's owner in the leases bucket.
func PartitionLease(pool, partition string) string { return "router." + pool + "." + partition }

// BatchLease is the key of the gateway that runs a batch in the leases bucket.
func BatchLease(batch string) string { return "batch." + batch }

// EventsStream keeps facts: what has happened, for whoever wants to know later. Every subject of it begins with EventsPrefix,
// then <domain>.<fact>.v1.<key>.
const (
	EventsStream = "EVENTS"
	EventsPrefix = "evt."
)

// ScalingDecided goes from the router that owns a pool to EventsStream, when the number of workers that it should have, or the
// verdict, changes.
var ScalingDecided = bus.Subject[*routerv1.ScalingDecided]{Pattern: "evt.router.scaling_decided.v1.{pool}", Lane: bus.Control}

// WorkerEntry is the key in the leases bucket that a worker has while it takes its name's place in the fleet.
func WorkerEntry(worker string) string { return "worker." + worker }

// JetStream: what must not be lost.
var (
	// Jobs: anybody → whoever does that kind of work. class is high, normal or bulk; tenant is pkg/jobs.TenantToken's. A
	// payload in JSON is the request itself.
	Jobs = bus.Subject[*jobsv1.Job]{Pattern: "jobs.{class}.{tenant}.{kind}", Lane: bus.Control}
	// Results: whoever did a job → whoever asks. One message a subject, for good.
	Results = bus.Subject[*jobsv1.Result]{Pattern: "results.{kind}.{job}", Lane: bus.Control}
	// JobCancels: whoever cancels a job → every gateway, at once; the cancelled job's result is what lasts.
	JobCancels = bus.Subject[*jobsv1.Cancel]{Pattern: "jobcancel.{kind}.{job}", Lane: bus.Control}
)

// The streams.
const (
	JobsStream    = "JOBS"
	ResultsStream = "RESULTS"
	DeadStream    = "DLQ"
)

// DeadPrefix begins the subjects of dead letters: dlq.<stream>.<subject>.
const DeadPrefix = "dlq."

// Dead is the subject of the dead letters of a subject of a stream.
func Dead(stream, subject string) string { return DeadPrefix + stream + "." + subject }

// DataStream holds the batches of data runs that are on their way from a stage to the next.
const DataStream = "DATA"

// Data goes from a stage of a run to the stages after it: Arrow batches numbered from 0 for each partition, and the Closing after them. Only
// that is a protobuf message.
var Data = bus.Subject[*datav1.Closing]{Pattern: "data.{run}.{stage}.{partition}", Lane: bus.Bulk}

// Facts of data runs, in EventsStream: stages and coordinators → whoever works on a run or asks for its state.
var (
	RunPlanned      = bus.Subject[*datav1.RunPlanned]{Pattern: "evt.data.run_planned.v1.{run}", Lane: bus.Control}
	SourceProgress  = bus.Subject[*datav1.SourceProgress]{Pattern: "evt.data.source_progress.v1.{run}", Lane: bus.Control}
	SegmentDone     = bus.Subject[*datav1.SegmentDone]{Pattern: "evt.data.segment_done.v1.{run}", Lane: bus.Control}
	PartitionDone   = bus.Subject[*datav1.PartitionDone]{Pattern: "evt.data.partition_done.v1.{run}", Lane: bus.Control}
	PartitionFailed = bus.Subject[*datav1.PartitionFailed]{Pattern: "evt.data.partition_failed.v1.{run}", Lane: bus.Control}
	StageTrouble    = bus.Subject[*datav1.StageTrouble]{Pattern: "evt.data.stage_trouble.v1.{run}", Lane: bus.Control}
	StageFinished   = bus.Subject[*datav1.StageFinished]{Pattern: "evt.data.stage_finished.v1.{run}", Lane: bus.Control}
	RunEnded        = bus.Subject[*datav1.RunEnded]{Pattern: "evt.data.run_ended.v1.{run}", Lane: bus.Control}
	RunCancelled    = bus.Subject[*datav1.RunCancelled]{Pattern: "evt.data.run_cancelled.v1.{run}", Lane: bus.Control}
	RunResumed      = bus.Subject[*datav1.RunResumed]{Pattern: "evt.data.run_resumed.v1.{run}", Lane: bus.Control}
)

// DataFacts are the facts of one run, or with * of all.
func DataFacts(run string) string { return "evt.data.*.v1." + run }

// DataLease is the key of who works on something of a run in the leases bucket: the run, a stage, a partition of a stage.
func DataLease(parts ...string) string { return "data." + strings.Join(parts, ".") }
