// The Responses API through the official Node SDK against the real model. LEAT_TEST_URL is a gateway with room.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const OpenAI = require("openai");

const model = "smollm2-135m-instruct";
const input = "Name three rivers of Europe.";
const client = () => new OpenAI({ baseURL: process.env.LEAT_TEST_URL + "/v1", apiKey: "none", maxRetries: 0 });

test("responses: unary and stream say the same", async () => {
  const ask = { model, input, temperature: 0, max_output_tokens: 16 };
  const whole = await client().responses.create(ask);
  let text = "", last = null, n = 0;
  for await (const event of await client().responses.create({ ...ask, stream: true })) {
    assert.equal(event.sequence_number, n++);
    if (event.type === "response.output_text.delta") text += event.delta;
    last = event;
  }
  assert.equal(text, whole.output_text);
  assert.equal(last.type, "response." + whole.status);
  assert.deepEqual(last.response.usage, whole.usage);
});

test("responses: the SDK's own stream helper accepts the events", async () => {
  const final = await client().responses.stream({ model, input, max_output_tokens: 400, seed: 1 }).finalResponse();
  assert.ok(final.output_text.length > 0);
});

test("responses: a store is refused by name", async () => {
  await assert.rejects(client().responses.create({ model, input, store: true }), (e) => e.status === 400 && e.param === "store");
});
