// Anthropic's official Node SDK against the real model, as its users call it. LEAT_TEST_URL is a gateway with room.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const Anthropic = require("@anthropic-ai/sdk");

const model = "smollm2-135m-instruct";
const messages = [{ role: "user", content: "Name three rivers of Europe." }];
const client = () => new Anthropic({ baseURL: process.env.LEAT_TEST_URL, apiKey: "none", maxRetries: 0 });

test("messages: unary and stream say the same", async () => {
  const ask = { model, messages, temperature: 0, max_tokens: 16 };
  const whole = await client().messages.create(ask);
  const stream = client().messages.stream(ask);
  let text = "";
  stream.on("text", (t) => (text += t));
  const final = await stream.finalMessage();
  assert.equal(text, whole.content[0].text);
  assert.deepEqual(final.content, whole.content);
  assert.equal(final.stop_reason, whole.stop_reason);
  assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
});

test("messages: the count is what the prompt has", async () => {
  const { input_tokens } = await client().messages.countTokens({ model, messages, system: "Be brief." });
  const { usage } = await client().messages.create({ model, messages, system: "Be brief.", max_tokens: 1 });
  assert.equal(input_tokens, usage.input_tokens + usage.cache_read_input_tokens);
});

test("messages: errors are Anthropic's", async () => {
  await assert.rejects(client().messages.create({ model: "claude-none", messages, max_tokens: 1 }), (e) => {
    assert.ok(e instanceof Anthropic.NotFoundError);
    assert.equal(e.error.error.type, "not_found_error");
    assert.equal(e.requestID, e.error.request_id);
    return true;
  });
});

test("messages: a tool is called and its result comes back", async () => {
  const tools = [{ name: "find_river", input_schema: { type: "object", properties: { name: { type: "string", maxLength: 20 } }, required: ["name"], additionalProperties: false } }];
  const ask = { model, tools, temperature: 0, max_tokens: 64 };
  const called = await client().messages.stream({ ...ask, messages, tool_choice: { type: "any", disable_parallel_tool_use: true } }).finalMessage();
  const [use] = called.content;
  assert.equal(called.stop_reason, "tool_use");
  assert.deepEqual([use.type, use.name, Object.keys(use.input)], ["tool_use", "find_river", ["name"]]);
  const talk = [...messages, { role: "assistant", content: called.content }, { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "It is long." }] }];
  const said = await client().messages.create({ ...ask, messages: talk, tool_choice: { type: "none" } });
  assert.equal(said.content[0].type, "text");
});
