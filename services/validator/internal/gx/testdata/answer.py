"""Answers cases, one JSON a line on stdin, with what the real Great Expectations says of them."""
import sys, json, datetime, decimal, warnings, logging
warnings.filterwarnings('ignore'); logging.disable(logging.CRITICAL)
import os; os.environ['TQDM_DISABLE']='1'
import pyarrow as pa, pandas as pd
import great_expectations as gx
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
ctx=gx.get_context(mode='ephemeral')
try:
    ctx.variables.progress_bars={'globally':False}
except Exception: pass
src=ctx.data_sources.add_pandas('p')
def arr(t,vals):
    if t.startswith('dictionary'):
        return pa.array(vals,pa.string()).dictionary_encode()
    T={'timestamp[us]':pa.timestamp('us'),'timestamp[ns]':pa.timestamp('ns'),'timestamp[ms]':pa.timestamp('ms'),'timestamp[s]':pa.timestamp('s'),'timestamp[us,UTC]':pa.timestamp('us','UTC'),'timestamp[us,Europe/Berlin]':pa.timestamp('us','Europe/Berlin'),'date32':pa.date32(),'decimal128(10,2)':pa.decimal128(10,2),'decimal128(20,0)':pa.decimal128(20,0),'list<int64>':pa.list_(pa.int64()),'bool':pa.bool_(),'string':pa.string(),'large_string':pa.large_string()}.get(t)
    if T is None: T=getattr(pa,t)()
    def c(v):
        if v is None: return None
        if t.startswith('timestamp'): return datetime.datetime.fromisoformat(v.replace('Z','+00:00'))
        if t=='date32': return datetime.date.fromisoformat(v)
        if t.startswith('decimal'): return decimal.Decimal(str(v))
        if t.startswith('float') and isinstance(v,str): return float(v)
        return v
    return pa.array([c(v) for v in vals],T)
n=0
def run(c):
    global n
    n+=1
    df=pa.table({k:arr(*v) for k,v in c['cols'].items()}).to_pandas()
    asset=src.add_dataframe_asset('a%d'%n)
    b=asset.add_batch_definition_whole_dataframe('b').get_batch(batch_parameters={'dataframe':df})
    try:
        e=ExpectationConfiguration(type=c['type'],kwargs=c['kwargs']).to_domain_obj()
    except Exception as x:
        return {'success':None,'config_error':type(x).__name__+': '+str(x)[:200]}
    try:
        r=b.validate(e,result_format=c.get('rf') or 'COMPLETE').to_json_dict()
    except Exception as x:
        return {'success':False,'raised':type(x).__name__+': '+str(x)[:200]}
    o={'success':r['success'],'result':json.loads(json.dumps(r['result'],default=lambda v: bool(v)).replace('-Infinity','"-Infinity"').replace(': Infinity',': "Infinity"').replace('[Infinity','["Infinity"').replace(', Infinity',', "Infinity"'))}; o['success']=bool(o['success'])
    ei=r['exception_info']
    if ei.get('raised_exception') or (ei and 'raised_exception' not in ei):
        m=ei.get('exception_message') or next(iter(ei.values())).get('exception_message')
        o['exception']=m[:200]
    src.delete_asset('a%d'%n)
    return o
if __name__=='__main__':
    for l in sys.stdin:
        c=json.loads(l)
        if c.get('engine')=='sqlite': continue
        c.pop('success',None); c.pop('result',None); c.pop('exception',None); c.pop('config_error',None); c.pop('raised',None)
        try: c.update(run(c))
        except Exception as x: c['harness']=repr(x)[:300]
        print(json.dumps(c,ensure_ascii=False),flush=True)
