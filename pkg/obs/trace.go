package obs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// TraceConfig says where spans go; with neither an endpoint nor a file tracing is off.
type TraceConfig struct {
	OTLP  string  `yaml:"otlp" flag:"otlp" env:"OTEL_EXPORTER_OTLP_ENDPOINT" doc:"OTLP gRPC endpoint for spans, http(s)://host:4317 or host:4317 (no TLS); empty: none"`
	File  string  `yaml:"file" flag:"trace-file" doc:"file to which spans are appended as JSON lines, '-' for standard output; empty: none"`
	Ratio float64 `yaml:"ratio" flag:"trace-ratio" doc:"share of new traces that is kept, 0 to 1; a caller's own decision is followed"`
}

// DefaultTraceConfig keeps every trace once tracing is on.
func DefaultTraceConfig() TraceConfig { return TraceConfig{Ratio: 1} }

// Validate refuses a ratio outside 0 to 1.
func (c TraceConfig) Validate() error {
	if c.Ratio < 0 || c.Ratio > 1 {
		return fmt.Errorf("ratio = %v: must be between 0 and 1", c.Ratio)
	}
	return nil
}

// Tracing is a provider and what must be done to get its last spans out.
type Tracing struct {
	// Provider is never nil; see On.
	Provider trace.TracerProvider
	close    []func(context.Context) error
}

// Close flushes and stops the exporters; ctx bounds it. It may be called once.
func (t *Tracing) Close(ctx context.Context) error {
	var errs []error
	for _, c := range t.close {
		errs = append(errs, c(ctx))
	}
	return errors.Join(errs...)
}

// On says whether a provider can record anything. A hot path asks before it builds attributes: a no-op span still costs
// its caller the slice.
func On(p trace.TracerProvider) bool {
	_, off := p.(noop.TracerProvider)
	return p != nil && !off
}

// NewTracing opens the exporters; service and id identify the process in the resource. It connects lazily: an endpoint
// that does not answer costs spans, never a start.
func NewTracing(ctx context.Context, cfg TraceConfig, service, id, version string) (*Tracing, error) {
	if cfg.OTLP == "" && cfg.File == "" {
		return &Tracing{Provider: noop.NewTracerProvider()}, nil
	}
	opts := []sdktrace.TracerProviderOption{
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(cfg.Ratio))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "leat-"+service),
			attribute.String("service.instance.id", id),
			attribute.String("service.version", version),
		)),
	}
	t := &Tracing{}
	if cfg.OTLP != "" {
		exp, err := otlptracegrpc.New(ctx, endpoint(cfg.OTLP)...)
		if err != nil {
			return nil, fmt.Errorf("open OTLP exporter for %s: %w", cfg.OTLP, err)
		}
		opts = append(opts, sdktrace.WithBatcher(exp))
	}
	if cfg.File != "" {
		exp, closeFile, err := fileExporter(cfg.File)
		if err != nil {
			return nil, err
		}
		opts = append(opts, sdktrace.WithSyncer(exp))
		t.close = append(t.close, closeFile)
	}
	p := sdktrace.NewTracerProvider(opts...)
	t.Provider, t.close = p, append([]func(context.Context) error{p.Shutdown}, t.close...)
	return t, nil
}

// endpoint reads the two forms in which people write an OTLP endpoint.
func endpoint(s string) []otlptracegrpc.Option {
	if strings.Contains(s, "://") {
		return []otlptracegrpc.Option{otlptracegrpc.WithEndpointURL(s)}
	}
	return []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(s), otlptracegrpc.WithInsecure()}
}

func fileExporter(path string) (sdktrace.SpanExporter, func(context.Context) error, error) {
	out := os.Stdout
	closeFile := func(context.Context) error { return nil }
	if path != "-" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, nil, fmt.Errorf("open trace file: %w", err)
		}
		out, closeFile = f, func(context.Context) error { return f.Close() }
	}
	exp, err := stdouttrace.New(stdouttrace.WithWriter(out))
	if err != nil {
		return nil, nil, fmt.Errorf("open trace file exporter: %w", err)
	}
	return exp, closeFile, nil
}
