// The official Node SDK against the real model, as its users call it. LEAT_TEST_URL is a gateway with room,
// LEAT_TEST_BUSY_URL one with a single slot and a single place in its queue.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { setTimeout: sleep } = require("node:timers/promises");
const OpenAI = require("openai");

const model = "smollm2-135m-instruct";
const url = process.env.LEAT_TEST_URL;
const busy = process.env.LEAT_TEST_BUSY_URL;
const messages = [{ role: "user", content: "Name three rivers of Europe." }];
const endless = { model, prompt: "Once upon a time", max_tokens: 1900, stream: true, ignore_eos: true };
const small = { model, prompt: "x", max_tokens: 1 };

const client = (base = url, options = {}) => new OpenAI({ baseURL: base + "/v1", apiKey: "none", maxRetries: 0, ...options });

async function metric(base, name) {
  const text = await (await fetch(base + "/metrics")).text();
  return text.split("\n").filter((l) => l.startsWith(name + "{") || l.startsWith(name + " ")).reduce((sum, l) => sum + Number(l.split(" ").pop()), 0);
}

async function until(what, cond) {
  for (const deadline = Date.now() + 20_000; !(await cond()); await sleep(20)) {
    if (Date.now() > deadline) assert.fail(`still not after 20 s: ${what}`);
  }
}

const idle = async (base) => {
  await until("no active requests", async () => (await metric(base, "llm_active_requests")) === 0);
  await until("no running sequences", async () => (await metric(base, "vllm:num_requests_running")) === 0);
};

const riverTool = { type: "function", function: { name: "find_river", strict: true, parameters: {
  type: "object", properties: { name: { type: "string", maxLength: 20 } }, required: ["name"], additionalProperties: false } } };

test("tools are called, whole and streamed", async () => {
  const ask = { model, messages, temperature: 0, max_completion_tokens: 64, tools: [riverTool], tool_choice: "required", parallel_tool_calls: false };
  const whole = await client().chat.completions.create(ask);
  assert.equal(whole.choices[0].finish_reason, "tool_calls");
  const [call] = whole.choices[0].message.tool_calls;
  assert.equal(typeof JSON.parse(call.function.arguments).name, "string");
  const streamed = await client().chat.completions.stream(ask).finalChatCompletion();
  assert.equal(streamed.choices[0].message.tool_calls[0].function.arguments, call.function.arguments);
  assert.equal(streamed.choices[0].finish_reason, "tool_calls");
  const after = [...messages, whole.choices[0].message, { role: "tool", tool_call_id: call.id, content: "It is long." }];
  const said = await client().chat.completions.create({ ...ask, messages: after, tool_choice: "none", max_completion_tokens: 16 });
  assert.ok(said.choices[0].message.content);
});

test("unary and stream say the same", async () => {
  const whole = await client().chat.completions.create({ model, messages, temperature: 0, max_completion_tokens: 24 });
  assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);
  let text = "", finish = null, usage = null;
  const stream = await client().chat.completions.create({ model, messages, temperature: 0, max_completion_tokens: 24, stream: true, stream_options: { include_usage: true } });
  for await (const chunk of stream) {
    usage = chunk.usage ?? usage;
    for (const c of chunk.choices) {
      text += c.delta.content ?? "";
      finish = c.finish_reason ?? finish;
    }
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(finish, whole.choices[0].finish_reason);
  assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
});

test("the SDK's own stream helper accepts the chunks", async () => {
  const final = await client().chat.completions.stream({ model, messages, seed: 1, max_completion_tokens: 8 }).finalChatCompletion();
  assert.ok(final.choices[0].message.content.length > 0);
});

test("logprobs", async () => {
  const chat = await client().chat.completions.create({ model, messages, temperature: 0, max_completion_tokens: 6, logprobs: true, top_logprobs: 3 });
  const tokens = chat.choices[0].logprobs.content;
  assert.equal(tokens.length, chat.usage.completion_tokens);
  for (const t of tokens) assert.equal(t.logprob, t.top_logprobs[0].logprob);
  const c = await client().completions.create({ model, prompt: "The capital of France is", max_tokens: 1, temperature: 0, echo: true, logprobs: 2 });
  assert.equal(c.choices[0].text, "The capital of France is Paris");
  assert.equal(c.choices[0].logprobs.token_logprobs.length, c.usage.total_tokens);
  assert.equal(c.choices[0].logprobs.token_logprobs[0], null);
});

test("models, request id, headers", async () => {
  const ids = [];
  for await (const m of client().models.list()) ids.push(m.id);
  assert.deepEqual(ids, [model]);
  const { data, response, request_id } = await client().completions.create(small, { headers: { "X-Request-Id": "mine" } }).withResponse();
  assert.equal(request_id, "mine");
  assert.equal(data.choices.length, 1);
  assert.ok(response.headers.get("x-leat-worker"));
});

test("error classes", async () => {
  const refused = async (cls, status, code, body, options) => {
    const e = await client().completions.create({ ...small, ...body }, options).then(() => assert.fail("not refused"), (e) => e);
    assert.ok(e instanceof cls, `${e}`);
    assert.equal(e.status, status);
    assert.equal(e.code, code);
    assert.ok(e.requestID);
    return e;
  };
  assert.equal((await refused(OpenAI.NotFoundError, 404, "model_not_found", { model: "gpt-none" })).param, "model");
  await refused(OpenAI.BadRequestError, 400, "decimal_above_max_value", { temperature: 9 });
  assert.match((await refused(OpenAI.BadRequestError, 400, "context_length_exceeded", { prompt: Array(3000).fill(5) })).message, /2048.*3000/);
  await refused(OpenAI.InternalServerError, 504, "first_token_timeout", { prompt: "wort ".repeat(400) }, { headers: { "x-leat-timeout": "first_token=20ms" } });
});

test("an error inside a stream", async () => {
  const e = await (async () => {
    for await (const _ of await client().completions.create(endless, { headers: { "x-leat-timeout": "total=2s" } }));
  })().then(() => assert.fail("the stream ended well"), (e) => e);
  assert.ok(e instanceof OpenAI.APIError);
  assert.equal(e.code, "total_timeout");
});

test("an aborted stream frees the slot", async () => {
  const stream = await client().completions.create(endless);
  for await (const _ of stream) break; // aborts the request
  await idle(url);
});

test("the client's own time-out", async () => {
  await assert.rejects(client(url, { timeout: 700 }).completions.create({ ...endless, stream: false }), OpenAI.APIConnectionTimeoutError);
  await idle(url);
});

test("429: the error, and retries that wait as told", async () => {
  const slot = await client(busy).completions.create(endless);
  await slot[Symbol.asyncIterator]().next();
  const waiting = client(busy).completions.create(small);
  await until("one request waits", async () => (await metric(busy, "llm_queue_depth")) === 1);
  const e = await client(busy).completions.create(small).then(() => assert.fail("not refused"), (e) => e);
  assert.ok(e instanceof OpenAI.RateLimitError, `${e}`);
  assert.equal(e.code, "queue_full");
  assert.ok(Number(e.headers.get("retry-after")) >= 1);

  const seen = [];
  const watched = async (...args) => {
    const r = await fetch(...args);
    seen.push({ status: r.status, when: performance.now(), told: Number(r.headers.get("retry-after-ms")) });
    if (seen.length === 1) slot.controller.abort();
    return r;
  };
  const answer = await client(busy, { maxRetries: 5, fetch: watched }).completions.create(small);
  assert.equal(answer.choices.length, 1);
  assert.equal(seen[0].status, 429);
  assert.equal(seen.at(-1).status, 200);
  assert.ok(seen[0].told > 0 && seen[1].when - seen[0].when >= seen[0].told - 1, JSON.stringify(seen));
  await waiting;
  await idle(busy);
});
