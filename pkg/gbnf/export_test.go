package gbnf

// CacheBytes is what a grammar remembers now; Forget makes it begin anew, as it does when that is too much.
func (g *Grammar) CacheBytes() int64 { return g.tab.Load().bytes.Load() }

func (g *Grammar) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.renew()
}

// MaxCache is the bound that CacheBytes keeps, but for one step's worth.
const MaxCache = maxCache
