// Package obs sets up logs and traces, and holds the names and buckets that every service's numbers share.
//
// What the package refuses to do: it keeps no global logger, tracer or registry; it offers no way to log a body. No
// prompt and no completion may reach a log, a metric or a span: the attribute names in genai.go leave the
// content-carrying ones of the convention out on purpose, and there is no redaction step that could fail, because there
// is nothing to redact. It does not carry W3C tracestate: a trace crosses the bus as its traceparent alone.
package obs
