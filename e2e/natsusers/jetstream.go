package natsusers

import "github.com/leathq/leat/pkg/events"

const api = "$JS.API."

// grant is what a client publishes to use a store as the grant allows, by nats.go's jetstream package.
func grant(s events.Store, g events.Grant) []string {
	stream := s.Name
	if s.Kind != events.Stream {
		stream = string(s.Kind) + "_" + s.Name
	}
	out := []string{api + "STREAM.INFO." + stream}
	if g.Makes {
		out = append(out, api+"INFO", api+"STREAM.CREATE."+stream) // what the account may have is asked before
	}
	if g.Changes {
		out = append(out, api+"STREAM.UPDATE."+stream)
	}
	if g.Keys != "" {
		switch s.Kind {
		case events.KeyValue:
			keys := "$KV." + s.Name + "." + g.Keys
			out = append(append(out, keys, api+"DIRECT.GET."+stream+"."+keys), ordered(stream, keys)...)
		case events.Objects:
			all := "$O." + s.Name + "."
			out = append(out, all+">", api+"DIRECT.GET."+stream+"."+all+">", api+"STREAM.PURGE."+stream) // a purge ends an object's chunks
			out = append(out, ordered(stream, all+">")...)
		}
	}
	if g.Reads {
		out = append(out, api+"STREAM.MSG.GET."+stream, api+"DIRECT.GET."+stream, api+"DIRECT.GET."+stream+".>", api+"CONSUMER.MSG.NEXT."+stream+".*")
		out = append(append(out, api+"CONSUMER.CREATE."+stream+".*"), ordered(stream, ">")...)
	}
	if g.Removes {
		out = append(out, api+"STREAM.MSG.DELETE."+stream, api+"STREAM.PURGE."+stream)
	}
	out = append(out, g.Says...)
	for _, durable := range g.Takes {
		out = append(out, takes(stream, durable)...)
		if g.Removes {
			out = append(out, api+"CONSUMER.DELETE."+stream+"."+durable)
		}
	}
	return out
}

// ordered are the requests of an ordered consumer, by which buckets are watched and objects are read: it is made with its
// filter in the subject, asked after, thrown away, and answers flow control, whose subject has two forms.
func ordered(stream, filter string) []string {
	c := api + "CONSUMER."
	return []string{
		c + "CREATE." + stream + ".*." + filter, c + "INFO." + stream + ".*", c + "DELETE." + stream + ".*",
		"$JS.FC." + stream + ".>", "$JS.FC.*.*." + stream + ".>",
	}
}

// takes are the requests of a durable pull consumer. Acknowledgements have two forms: nats-server 2.15 sends the first, and
// the second with its feature flag js_ack_fc_v2, which is to become the default.
func takes(stream, durable string) []string {
	c, d := api+"CONSUMER.", stream+"."+durable
	return []string{
		c + "CREATE." + d, c + "CREATE." + d + ".>", c + "INFO." + d, c + "MSG.NEXT." + d,
		"$JS.ACK." + d + ".>", "$JS.ACK.*.*." + d + ".>",
	}
}
