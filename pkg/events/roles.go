package events

import (
	"slices"

	"github.com/leathq/leat/pkg/bus"
)

// Role is who speaks on the bus. Each has one NATS user of its name, which may do no more than the tables here say.
type Role string

// The roles.
const (
	Gateway Role = "gateway"
	Router  Role = "router"
	Worker  Role = "worker"
	// Ingestor plans data runs, reads their sources and ends them.
	Ingestor Role = "ingestor"
	// Validator holds the batches of data runs against their checks.
	Validator Role = "validator"
	// Console looks and says nothing: leat top.
	Console Role = "console"
	// Operator tells workers what to do: leat drain, leat cordon, leat adapter.
	Operator Role = "operator"
	// Client is whoever has jobs done: leat jobs, or anybody's program.
	Client Role = "jobs"
	// Whole is a process of several services, leat up with a NATS elsewhere. It may do what those services
	// may.
	Whole Role = "leat"
)

// Roles lists them.
func Roles() []Role {
	return []Role{Gateway, Router, Worker, Ingestor, Validator, Console, Operator, Client, Whole}
}

// Flow is who says something on a subject and who hears it.
type Flow struct {
	// Pattern is the subject's.
	Pattern  string
	From, To []Role
	// Asked says that it is also a question: who hears it answers on the inbox of who asked.
	Asked bool
}

// Flows has every subject of this package, once.
func Flows() []Flow {
	return []Flow{
		{Infer.Pattern, by(Gateway, Router), by(Router), true}, // a router asks whether the owner lives
		{Reply.Pattern, by(Router), by(Gateway), false},
		{Work.Pattern, by(Router), by(Worker), false},
		{Undelivered.Pattern, nil, by(Router), false}, // only the server says it
		{Outcomes.Pattern, by(Worker), by(Router), false},
		{Control.Pattern, by(Gateway, Router, Worker, Operator), by(Worker), true}, // a worker asks whether its name is taken
		{Pongs.Pattern, by(Gateway, Worker), by(Gateway), false},                   // a gateway's echoes come back to it
		{Frames.Pattern, by(Worker), by(Gateway), false},
		{Reports.Pattern, by(Worker), by(Gateway, Router, Console), false},
		{Heartbeats.Pattern, by(Gateway), by(Gateway, Worker), false},
		{Asks.Pattern, by(Gateway), by(Worker), true},
		{Takeovers.Pattern, by(Gateway), by(Router), true},
		{Shares.Pattern, by(Router), by(Router), false},
		{ScalingDecided.Pattern, by(Router), by(Console), false},
		{Jobs.Pattern, by(Gateway, Ingestor, Client), by(Gateway, Ingestor), false}, // a batch's are a gateway's own, and an ingestor publishes runs
		{Results.Pattern, by(Gateway, Ingestor), by(Gateway, Ingestor, Client), false},
		{JobCancels.Pattern, by(Gateway, Ingestor, Client), by(Gateway, Ingestor), false},
		{Data.Pattern, by(Ingestor, Validator), by(Ingestor, Validator), false},
		{RunPlanned.Pattern, by(Ingestor), by(Ingestor, Validator, Console), false},
		{SourceProgress.Pattern, by(Ingestor), by(Ingestor, Validator, Console), false},
		{SegmentDone.Pattern, by(Ingestor, Validator), by(Ingestor, Validator, Console), false},
		{PartitionDone.Pattern, by(Ingestor, Validator), by(Ingestor, Validator, Console), false},
		{PartitionFailed.Pattern, by(Ingestor, Validator), by(Ingestor, Validator, Console), false},
		{StageTrouble.Pattern, by(Ingestor, Validator), by(Ingestor, Validator, Console), false},
		{StageFinished.Pattern, by(Ingestor, Validator), by(Ingestor, Validator, Console), false},
		{RunEnded.Pattern, by(Ingestor), by(Ingestor, Validator, Console), false},
		{RunCancelled.Pattern, by(Ingestor), by(Ingestor, Validator, Console), false},
		{RunResumed.Pattern, by(Ingestor), by(Ingestor, Validator, Console), false},
	}
}

// Sends says whether a role may publish on the flow's subject.
func (f Flow) Sends(r Role) bool { return holds(f.From, r) }

// Hears says whether a role may subscribe to the flow's subject.
func (f Flow) Hears(r Role) bool { return holds(f.To, r) }

// Kind is what a durable store is to JetStream.
type Kind string

// The kinds.
const (
	KeyValue Kind = "KV"
	Objects  Kind = "OBJ"
	Stream   Kind = "stream"
)

// Store is something durable and who does what with it.
type Store struct {
	Kind Kind
	// Name is the bucket's or stream's.
	Name   string
	Grants []Grant
}

// Grant is what a role may do with a store.
type Grant struct {
	Role Role
	// Makes: create it where it is missing, and read its settings. Every grant has the second.
	Makes bool
	// Changes: give it other settings.
	Changes bool
	// Keys of a bucket that it reads, watches and writes, as a NATS wildcard. An object store has no keys to tell apart:
	// any text here is all of it.
	Keys string
	// Reads: any message of a stream. Removes: any of them, too, and the consumers that it takes.
	Reads, Removes bool
	// Says are further subjects that it publishes to a stream: those that are no Flow's.
	Says []string
	// Takes are the durable consumers of a stream that it makes, pulls from and acknowledges; * is any. Who publishes to a stream is
	// said by the flow of its subject.
	Takes []string
}

// Stores has every bucket and stream, once.
func Stores() []Store {
	return []Store{
		{KeyValue, bus.LeaseBucket, []Grant{
			{Role: Router, Makes: true, Changes: true, Keys: "router.>"},
			{Role: Worker, Makes: true, Keys: WorkerEntry("*")},
			{Role: Gateway, Keys: BatchLease("*")},
			{Role: Ingestor, Makes: true, Changes: true, Keys: DataLease(">")},
			{Role: Validator, Makes: true, Changes: true, Keys: DataLease(">")},
		}},
		{Objects, bus.ClaimBucket, []Grant{
			{Role: Router, Makes: true, Changes: true},
			{Role: Gateway, Makes: true, Keys: ">"},
			{Role: Worker, Makes: true, Keys: ">"},
		}},
		{Objects, "files", []Grant{
			{Role: Gateway, Makes: true, Changes: true, Keys: ">"}, {Role: Client, Makes: true, Changes: true, Keys: ">"},
			{Role: Ingestor, Makes: true, Changes: true, Keys: ">"},
		}},
		{KeyValue, "sleepers", []Grant{{Role: Gateway, Makes: true, Keys: "*"}, {Role: Router, Makes: true, Keys: "*"}}},
		{KeyValue, "batches", []Grant{{Role: Gateway, Makes: true, Changes: true, Keys: ">"}}},
		{Stream, EventsStream, []Grant{
			{Role: Router, Makes: true}, {Role: Console, Reads: true}, {Role: Ingestor, Makes: true, Reads: true, Says: []string{"evt.lineage.run_event.v1.*"}}, {Role: Validator, Makes: true, Reads: true},
		}},
		{Stream, DataStream, []Grant{
			{Role: Ingestor, Makes: true, Changes: true, Removes: true, Takes: []string{"*"}}, {Role: Validator, Makes: true, Changes: true, Takes: []string{"*"}},
		}},
		{KeyValue, "jobtries", []Grant{{Role: Gateway, Makes: true, Changes: true, Keys: "*"}, {Role: Ingestor, Makes: true, Keys: "*"}}},
		{Stream, JobsStream, []Grant{
			{Role: Gateway, Makes: true, Changes: true, Reads: true, Removes: true, Takes: []string{"*"}}, {Role: Client},
			{Role: Ingestor, Makes: true, Reads: true, Takes: []string{"*"}},
		}},
		{Stream, ResultsStream, []Grant{
			{Role: Gateway, Makes: true, Changes: true, Reads: true}, {Role: Client, Reads: true, Removes: true}, {Role: Ingestor, Makes: true, Reads: true},
		}},
		{Stream, DeadStream, []Grant{
			{Role: Gateway, Makes: true, Changes: true, Says: []string{DeadPrefix + ">"}}, {Role: Client, Reads: true, Removes: true},
			{Role: Ingestor, Makes: true, Says: []string{Dead(DataStream, ">"), Dead(JobsStream, ">")}}, {Role: Validator, Says: []string{Dead(DataStream, ">")}},
		}},
	}
}

// To lists the grants that a role has, those of all services for Whole.
func (s Store) To(r Role) []Grant {
	var out []Grant
	for _, g := range s.Grants {
		if holds(by(g.Role), r) {
			out = append(out, g)
		}
	}
	return out
}

func by(r ...Role) []Role { return r }

// holds says whether a list has a role, or, for Whole, that of any service.
func holds(list []Role, r Role) bool {
	if slices.Contains(list, r) {
		return true
	}
	return r == Whole && slices.ContainsFunc(list, func(x Role) bool { return x != Console && x != Client && x != Operator })
}
