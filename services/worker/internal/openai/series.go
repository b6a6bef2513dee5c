package openai

// quantity is one fact that servers tell under different names.
type quantity int

const (
	running quantity = iota
	waiting
	kvUse
	batchTokens // TGI says no more of its cache: the tokens in its batch, and how many fit
	batchRoom
	promptTokens
	freshTokens // of prompts, without those from the cache
	outputTokens
	cacheQueries
	cacheHits
	cacheRate
	startTime
	quantities
)

// meaning is what a name stands for; a newer name of the same server wins over an old one.
type meaning struct {
	of  quantity
	old bool
}

// series are the names of the servers that we know: facts that differ in name only.
var series = map[string]meaning{
	"vllm:num_requests_running":           {of: running},
	"vllm:num_requests_waiting":           {of: waiting},
	"vllm:kv_cache_usage_perc":            {of: kvUse},
	"vllm:gpu_cache_usage_perc":           {of: kvUse, old: true},
	"vllm:prompt_tokens_total":            {of: promptTokens},
	"vllm:generation_tokens_total":        {of: outputTokens},
	"vllm:prefix_cache_queries_total":     {of: cacheQueries},
	"vllm:prefix_cache_hits_total":        {of: cacheHits},
	"vllm:gpu_prefix_cache_queries_total": {of: cacheQueries, old: true},
	"vllm:gpu_prefix_cache_hits_total":    {of: cacheHits, old: true},
	"vllm:gpu_prefix_cache_hit_rate":      {of: cacheRate, old: true},
	"sglang:num_running_reqs":             {of: running},
	"sglang:num_queue_reqs":               {of: waiting},
	"sglang:token_usage":                  {of: kvUse},
	"sglang:prompt_tokens_total":          {of: promptTokens},
	"sglang:generation_tokens_total":      {of: outputTokens},
	"sglang:cached_tokens_total":          {of: cacheHits},
	"sglang:cache_hit_rate":               {of: cacheRate},
	"trtllm_num_requests_running":         {of: running},
	"trtllm_num_requests_waiting":         {of: waiting},
	"trtllm_kv_cache_utilization":         {of: kvUse},
	"trtllm_prompt_tokens_total":          {of: promptTokens},
	"trtllm_generation_tokens_total":      {of: outputTokens},
	"trtllm_prompt_cached_tokens_total":   {of: cacheHits},
	"trtllm_kv_cache_hit_rate":            {of: cacheRate},
	"llamacpp:requests_processing":        {of: running},
	"llamacpp:requests_deferred":          {of: waiting},
	"llamacpp:prompt_tokens_total":        {of: freshTokens},
	"llamacpp:prompt_tokens_cached_total": {of: cacheHits},
	"llamacpp:tokens_predicted_total":     {of: outputTokens},
	"tgi_batch_current_size":              {of: running},
	"tgi_queue_size":                      {of: waiting},
	"tgi_batch_current_max_tokens":        {of: batchTokens},
	"tgi_batch_max_total_tokens":          {of: batchRoom},
	"tgi_request_input_length_sum":        {of: promptTokens},
	"tgi_request_generated_tokens_sum":    {of: outputTokens},
	"process_start_time_seconds":          {of: startTime},
}
