"""Runs a suite by Great Expectations on a table and prints what it took and what came out, as JSON."""
import json
import os
import resource
import sys
import time
import warnings

warnings.filterwarnings("ignore")
os.environ["GX_ANALYTICS_ENABLED"] = "false"
import pyarrow.feather as feather  # noqa: E402

import great_expectations as gx  # noqa: E402
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: E402

data, suite = sys.argv[1], json.load(open(sys.argv[2]))
ctx = gx.get_context(mode="ephemeral")
if hasattr(ctx, "variables"):
    ctx.variables.progress_bars = {"globally": False}
df = feather.read_table(data + ".arrow").to_pandas()
batch = (
    ctx.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b").get_batch(batch_parameters={"dataframe": df})
)
own = ctx.suites.add(gx.ExpectationSuite(name=suite["name"]))
for e in suite["expectations"]:
    own.add_expectation(ExpectationConfiguration(type=e["type"], kwargs=e["kwargs"]).to_domain_obj())
before, cpu = time.perf_counter(), time.process_time()
result = batch.validate(own, result_format="SUMMARY")
wall, cpu = time.perf_counter() - before, time.process_time() - cpu
out = result.to_json_dict()
found = [[r["success"], r["expectation_config"]["type"], r["expectation_config"]["kwargs"].get("column"), r["result"]] for r in out["results"]]
json.dump({"rows": len(df), "wall": wall, "cpu": cpu, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "found": found}, sys.stdout, default=str)
