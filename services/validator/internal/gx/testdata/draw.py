"""Draws cases: types, kwargs and columns of gx_open in new combinations, and columns of our own.

Usage: python draw.py SEED COUNT | python answer.py > gx_drawn/SEED.jsonl   (great-expectations 1.24.1, pandas 3, pyarrow)
"""
import json,glob,random,sys
random.seed(int(sys.argv[1])); N=int(sys.argv[2])
byty={}; pool=[]; rcs=[]; rfs=[None]*6
for f in sorted(glob.glob('gx_open/*.jsonl')):
    for l in open(f):
        d=json.loads(l)
        if d.get('engine')=='sqlite' or 'nosuch' in d['type']: continue
        byty.setdefault(d['type'],[]).append(d)
        for k,c in d['cols'].items():
            if k in ('x','s','a','b','c'): pool.append(c)
        if d['kwargs'].get('row_condition'): rcs.append((d['kwargs']['row_condition'],d['kwargs'].get('condition_parser')))
        if d.get('rf'): rfs.append(d['rf'])
seen=set(); P=[]
for c in pool:
    j=json.dumps(c)
    if j not in seen: seen.add(j); P.append(c)
# random columns of our own
def rnd(n):
    t=random.choice(['int64','float64','string','bool','int32','timestamp[us]','date32','dictionary<string>','float32','uint64','decimal128(10,2)','timestamp[us,UTC]','int8','large_string'])
    def v():
        if random.random()<.2: return None
        if t in('int64','int32'): return random.choice([0,1,-1,2,3,5,7,100,-50])
        if t=='int8': return random.choice([0,1,-128,127])
        if t=='uint64': return random.choice([0,1,5,2**63+5])
        if t.startswith('float'): return random.choice([0.0,1.5,-2.25,0.1,1e10,1e-7,'NaN','Infinity',3.0,1e16,123456.789])
        if t in('string','large_string','dictionary<string>'): return random.choice(['a','b','bb','','a b','é','東京','1','2026-01-01','x@y.org','Alpha','{"a":1}',' ','ß','50%'])
        if t=='bool': return random.choice([True,False])
        if t.startswith('timestamp'): return random.choice(['2026-01-01T00:00:00','2026-01-02T03:04:05.678901','1969-12-31T23:59:59'])
        if t=='date32': return random.choice(['2026-01-01','2025-12-31','1960-02-29'])
        return random.choice(['1.50','2.25','-3.00','0.10'])
    return [t,[v() for _ in range(n)]]
out=0;tys=sorted(byty)
while out<N:
    ty=random.choice(tys); d=random.choice(byty[ty]); kw=dict(d['kwargs'])
    if random.random()<.5:
        e=random.choice(byty[ty]); kw={k:(e['kwargs'].get(k,v)) for k,v in kw.items()}
    for k in('row_condition','condition_parser'): kw.pop(k,None)
    n=None; cols={}
    for k in d['cols']:
        if k in('g','w','k'): continue
        if n is None:
            c=random.choice(P) if random.random()<.6 else rnd(random.choice([0,1,2,5,9]))
            n=len(c[1]); cols[k]=c
        else:
            same=[c for c in P if len(c[1])==n]
            cols[k]=random.choice(same) if same and random.random()<.5 else rnd(n)
    n=n or 0
    if random.random()<.25:
        cols['g']=['string',[random.choice(['a','b',None,'a c']) for _ in range(n)]]; cols['w']=['int64',[i-1 for i in range(n)]]
        rc,p=random.choice(rcs); kw['row_condition']=rc
        if p: kw['condition_parser']=p
    if random.random()<.25 and 'mostly' in json.dumps([x['kwargs'] for x in byty[ty]]): kw['mostly']=random.choice([0.5,0.9,0.0,1.0])
    o={'id':'r%d_%d'%(int(sys.argv[1]),out),'type':ty,'kwargs':kw,'cols':cols}
    rf=random.choice(rfs)
    if rf and 'k' not in json.dumps(rf).replace('unexpected_index_column_names','').replace('"k"','k?') or rf is None:
        if rf: o['rf']=rf
    print(json.dumps(o,ensure_ascii=False)); out+=1
