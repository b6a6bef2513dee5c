package obs

import "go.opentelemetry.io/otel/attribute"

// Attribute names of OpenTelemetry's GenAI semantic conventions (spans and metrics, status Development, v1.41). This
// file is the only place where they are spelled, so a change of the convention is a change of one file. The attributes
// that carry content (gen_ai.input.messages, gen_ai.output.messages, gen_ai.system_instructions, gen_ai.tool.*) are
// left out on purpose.
const (
	OperationName = attribute.Key("gen_ai.operation.name") // one of the Op constants
	ProviderName  = attribute.Key("gen_ai.provider.name")  // replaced gen_ai.system in v1.37
	ErrorType     = attribute.Key("error.type")
	ServerAddress = attribute.Key("server.address")
	ServerPort    = attribute.Key("server.port")
	Conversation  = attribute.Key("gen_ai.conversation.id")
	OutputType    = attribute.Key("gen_ai.output.type")

	RequestModel            = attribute.Key("gen_ai.request.model")
	RequestChoices          = attribute.Key("gen_ai.request.choice.count")
	RequestSeed             = attribute.Key("gen_ai.request.seed")
	RequestStream           = attribute.Key("gen_ai.request.stream")
	RequestTopK             = attribute.Key("gen_ai.request.top_k")
	RequestTopP             = attribute.Key("gen_ai.request.top_p")
	RequestTemperature      = attribute.Key("gen_ai.request.temperature")
	RequestMaxTokens        = attribute.Key("gen_ai.request.max_tokens")
	RequestFrequencyPenalty = attribute.Key("gen_ai.request.frequency_penalty")
	RequestPresencePenalty  = attribute.Key("gen_ai.request.presence_penalty")

	ResponseID            = attribute.Key("gen_ai.response.id")
	ResponseModel         = attribute.Key("gen_ai.response.model")
	ResponseFinishReasons = attribute.Key("gen_ai.response.finish_reasons")
	ResponseFirstChunk    = attribute.Key("gen_ai.response.time_to_first_chunk") // seconds

	// UsageInputTokens includes the cached ones; the classes of our wire are disjoint, so they are summed for it.
	UsageInputTokens   = attribute.Key("gen_ai.usage.input_tokens")
	UsageOutputTokens  = attribute.Key("gen_ai.usage.output_tokens")
	UsageCacheRead     = attribute.Key("gen_ai.usage.cache_read.input_tokens")
	UsageCacheCreation = attribute.Key("gen_ai.usage.cache_creation.input_tokens")
	UsageReasoning     = attribute.Key("gen_ai.usage.reasoning.output_tokens")
	TokenType          = attribute.Key("gen_ai.token.type") // input or output

	// Engine-side names, not in the convention but the same in vLLM and SGLang; seconds.
	LatencyQueue      = attribute.Key("gen_ai.latency.time_in_queue")
	LatencyPrefill    = attribute.Key("gen_ai.latency.time_in_model_prefill")
	LatencyDecode     = attribute.Key("gen_ai.latency.time_in_model_decode")
	LatencyInference  = attribute.Key("gen_ai.latency.time_in_model_inference")
	LatencyFirstToken = attribute.Key("gen_ai.latency.time_to_first_token")
	LatencyTotal      = attribute.Key("gen_ai.latency.e2e")
	RequestID         = attribute.Key("gen_ai.request.id")
)

// Values of OperationName.
const (
	OpChat       = "chat"
	OpText       = "text_completion"
	OpEmbeddings = "embeddings"
)

// Provider is the value of ProviderName for models that our own workers run.
const Provider = "leat"

// EngineSpan is the name that vLLM and SGLang give to the engine's span, kind SERVER.
const EngineSpan = "llm_request"

// Metric names of the convention's server side, all histograms in seconds.
const (
	MetricServerDuration     = "gen_ai.server.request.duration"
	MetricServerFirstToken   = "gen_ai.server.time_to_first_token"
	MetricServerPerToken     = "gen_ai.server.time_per_output_token"
	MetricClientTokenUsage   = "gen_ai.client.token.usage"
	MetricClientDuration     = "gen_ai.client.operation.duration"
	MetricClientFirstChunk   = "gen_ai.client.operation.time_to_first_chunk"
	MetricClientPerChunkTime = "gen_ai.client.operation.time_per_output_chunk"
)

// SpanName is the convention's name of an inference span: "chat llama-3".
func SpanName(operation, model string) string { return operation + " " + model }
