package openai

import (
	"fmt"
	"strings"
)

// neutral lists what a parameter that is not served may be set to because that changes nothing, as compact JSON;
// null always may. SDKs and frameworks send such values unasked.
func neutral(name string) (values []string, known bool) {
	switch name {
	case "tools", "functions": // completions have no tools, and functions are what tools replaced
		return []string{`[]`}, true
	case "tool_choice", "function_call":
		return []string{`"none"`, `"auto"`}, true
	case "parallel_tool_calls":
		return []string{`true`, `false`}, true
	case "response_format":
		return []string{`{"type":"text"}`}, true
	case "modalities":
		return []string{`["text"]`}, true
	case "store":
		return []string{`false`}, true
	case "service_tier":
		return []string{`"auto"`, `"default"`}, true
	case "suffix":
		return []string{`""`}, true
	case "audio", "prediction", "reasoning_effort", "verbosity", "web_search_options", "moderation", "safety_identifier",
		"prompt_cache_key", "prompt_cache_retention", "prompt_cache_options":
		return nil, true
	// vLLM's and llama-server's extensions that users bring along.
	case "min_tokens", "stop_token_ids", "bad_words", "allowed_token_ids", "logits_processors", "truncate_prompt_tokens",
		"prompt_logprobs", "structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar",
		"json_schema", "chat_template", "chat_template_kwargs", "documents", "mm_processor_kwargs", "priority",
		"cache_salt", "lora", "typical_p", "mirostat", "dry_multiplier", "xtc_probability", "min_keep", "length_penalty":
		return nil, true
	case "add_special_tokens", "use_beam_search", "include_stop_str_in_output", "continue_final_message", "return_tokens_as_token_ids",
		"return_token_ids":
		return []string{`false`}, true
	case "skip_special_tokens", "spaces_between_special_tokens", "add_generation_prompt", "cache_prompt":
		return []string{`true`}, true
	}
	return nil, false
}

// unsupported reads a parameter that is known and not served, and refuses it unless its value is neutral. It reports
// false, having read nothing, for other names.
func unsupported(c *cursor, name string) bool {
	if name == "best_of" {
		// Neutral where nothing is left to choose; n may come later in the body, so 1 is the one value known to be so.
		if !c.null() && c.integer(1, 20) != 1 {
			c.fail(unsupportedParameter(name, "Leave it out or set it to 1."))
		}
		return true
	}
	values, known := neutral(name)
	if !known {
		return false
	}
	if c.null() {
		return true
	}
	if c.oneOf(values) {
		return true
	}
	hint := "Leave it out."
	if len(values) > 0 {
		hint = fmt.Sprintf("Leave it out or set it to %s.", strings.Join(values, " or "))
	}
	c.fail(unsupportedParameter(name, hint))
	return true
}

func unsupportedParameter(name, hint string) *Error {
	return invalid(name, CodeUnsupportedParameter, "Unsupported parameter: '%s' is not supported by this server. %s", name, hint)
}
