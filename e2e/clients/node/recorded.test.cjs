// OpenAI's and Anthropic's official Node SDKs read, through Leat, what a real inference server said. LEAT_TEST_URL stands
// before a player of answers recorded from llama-server.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const Anthropic = require("@anthropic-ai/sdk");
const OpenAI = require("openai");

const model = "recorded";
const messages = [{ role: "user", content: "What is the capital of France?" }];
const whole = "L'Étoile, la Marseillaise,";
const streamed = "L'Étoile, la Mar";
const openai = () => new OpenAI({ baseURL: process.env.LEAT_TEST_URL + "/v1", apiKey: "none", maxRetries: 0 });
const anthropic = () => new Anthropic({ baseURL: process.env.LEAT_TEST_URL, apiKey: "none", maxRetries: 0 });

test("chat", async () => {
  const got = await openai().chat.completions.create({ model, messages });
  assert.equal(got.choices[0].message.content, whole);
  assert.deepEqual([got.usage.prompt_tokens, got.usage.completion_tokens], [37, 12]);
});

test("chat, streamed", async () => {
  const got = await openai().chat.completions.stream({ model, messages, stream_options: { include_usage: true } }).finalChatCompletion();
  assert.deepEqual([got.choices[0].message.content, got.choices[0].finish_reason, got.usage.completion_tokens], [streamed, "length", 8]);
  let text = "";
  for await (const c of await openai().chat.completions.create({ model, messages, stream: true })) text += c.choices[0]?.delta?.content ?? "";
  assert.equal(text, streamed);
});

test("completion", async () => {
  const got = await openai().completions.create({ model, prompt: "The capital of France is" });
  assert.deepEqual([got.choices[0].text, got.usage.total_tokens], [" Paris.\n\n", 9]);
});

test("responses", async () => {
  const got = await openai().responses.create({ model, input: "What is the capital of France?", store: false });
  assert.deepEqual([got.output_text, got.status], [whole, "incomplete"]);
});

test("messages", async () => {
  const got = await anthropic().messages.create({ model, messages, max_tokens: 12 });
  assert.deepEqual([got.content[0].text, got.stop_reason, got.usage.input_tokens], [whole, "max_tokens", 37]);
});

test("messages, streamed", async () => {
  const final = await anthropic().messages.stream({ model, messages, max_tokens: 8 }).finalMessage();
  assert.deepEqual([final.content[0].text, final.usage.output_tokens, final.usage.cache_read_input_tokens], [streamed, 8, 36]);
});
