"""Holds what lm-evaluation-harness logged against a direct computation, bit for bit.

usage: check.py RESULTS URL MODEL -- DIRECT…   where DIRECT is the command that scores token ids (see direct/main.go).
Log-likelihoods are summed as the harness sums them, of the token ids that it sends; generated texts are compared with
those of lone requests.
"""

import glob
import json
import subprocess
import sys
import urllib.request

from lm_eval.models.openai_completions import LocalCompletionsAPI

results, url, model = sys.argv[1:4]
direct = sys.argv[sys.argv.index("--") + 1 :]


def samples(task):
    (file,) = glob.glob(f"{results}/**/samples_{task}_*.jsonl", recursive=True)
    with open(file) as lines:
        return [json.loads(line) for line in lines]


def requests(sample):
    """What was asked, in order, with what the harness made of the answer."""
    args = sample["arguments"]
    asked = [(args[f"gen_args_{i}"]["arg_0"], args[f"gen_args_{i}"]["arg_1"]) for i in range(len(args))]
    return zip(asked, (r[0] for r in sample["resps"]), strict=True)


lm = LocalCompletionsAPI(model=model, base_url=url + "/v1/completions", tokenizer_backend="remote", tokenized_requests=True)
pairs = [(lm._encode_pair(*asked), got) for s in samples("leat_choice") for asked, got in requests(s)]
lines = "".join(json.dumps(context + continuation) + "\n" for (context, continuation), _ in pairs)
out = subprocess.run(direct, input=lines, capture_output=True, text=True, check=True).stdout
for ((context, continuation), got), line in zip(pairs, out.splitlines(), strict=True):
    score = json.loads(line)
    first = len(context) - 1  # the score of the first token of the continuation
    want = (sum(score["logprobs"][first:]), all(score["greedy"][first:]))
    heard = (float(got[0]), str(got[1]) == "True")
    assert heard == want, f"the harness heard {heard}, directly it is {want}: {context} + {continuation}"

texts = 0
for s in samples("leat_generate"):
    for (prompt, options), got in requests(s):
        body = {"model": model, "prompt": prompt, "max_tokens": options["max_gen_toks"], "temperature": 0, "stop": options["until"]}
        req = urllib.request.Request(url + "/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
        alone = json.load(urllib.request.urlopen(req, timeout=60))["choices"][0]["text"]
        assert got == alone, f"{prompt!r}: under load {got!r}, alone {alone!r}"
        assert not any(stop in got for stop in options["until"]), got
        texts += 1
assert len(pairs) > 20 and texts > 3, "too little was compared"
print(f"{len(pairs)} log-likelihoods and {texts} texts are equal, bit for bit")
