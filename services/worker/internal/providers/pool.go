// Package providers spreads calls over several accounts with a provider: keys, and URLs where they differ.
//
// It refuses to wait: where no account takes a call now, it says when the first will. It never logs a key.
package providers

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Account is one key, as a configuration tells it.
type Account struct {
	URL        string `yaml:"url" doc:"base URL; empty: that of the engine"`
	KeyEnv     string `yaml:"api_key_env" doc:"name of the environment variable that holds the key"`
	Weight     int    `yaml:"weight" doc:"share of the calls against the other keys'; 0: 1"`
	Requests   int    `yaml:"requests_per_minute" doc:"calls in any minute; 0: no limit"`
	Tokens     int    `yaml:"tokens_per_minute" doc:"tokens of prompts and answers in any minute; 0: no limit"`
	Concurrent int    `yaml:"concurrent" doc:"calls at once; 0: no limit"`
}

// Validate says which field cannot work.
func (a Account) Validate() error {
	switch {
	case a.KeyEnv == "":
		return errors.New("api_key_env is missing: name the variable that holds the key")
	case a.Weight < 0 || a.Requests < 0 || a.Tokens < 0 || a.Concurrent < 0:
		return errors.New("weight, requests_per_minute, tokens_per_minute and concurrent must not be negative")
	}
	return nil
}

const (
	// defaultRest is how long a key rests after a 429 without Retry-After.
	defaultRest = 5 * time.Second
	// refusedRest is how long a key rests that the provider does not accept: an operator must act.
	refusedRest = 5 * time.Minute
	window      = time.Minute
)

// Pool knows how busy its accounts are. Safe for concurrent use.
type Pool struct {
	mu       sync.Mutex
	accounts []account
}

type account struct {
	Account
	busy    int
	current int // of smooth weighted round-robin, as nginx picks
	until   time.Time
	calls   []time.Time // of the last minute
	spent   []spent
	tokens  int
}

type spent struct {
	at     time.Time
	tokens int
}

// New makes a pool.
func New(accounts []Account) *Pool {
	p := &Pool{accounts: make([]account, len(accounts))}
	for i, a := range accounts {
		a.Weight = max(1, a.Weight)
		p.accounts[i].Account = a
	}
	return p
}

// Busy says that no account takes a call.
type Busy struct{ After time.Duration }

func (b Busy) Error() string {
	return fmt.Sprintf("none of the provider's keys takes a call now; the first does in %v", b.After.Round(time.Millisecond))
}

// Take picks an account for one call; except names those that this call has tried. The error is a Busy. Every account
// that was taken is given back by Done.
func (p *Pool) Take(now time.Time, except map[int]bool) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	best, total, soonest := -1, 0, time.Duration(0)
	for i := range p.accounts {
		a := &p.accounts[i]
		wait := a.wait(now)
		if wait > 0 || except[i] {
			if soonest == 0 || wait > 0 && wait < soonest {
				soonest = wait
			}
			continue
		}
		total += a.Weight
		a.current += a.Weight
		if best < 0 || a.current > p.accounts[best].current {
			best = i
		}
	}
	if best < 0 {
		return 0, Busy{After: max(soonest, time.Second)}
	}
	a := &p.accounts[best]
	a.current -= total
	a.busy++
	a.calls = append(a.calls, now)
	return best, nil
}

// wait is how long until the account takes a call; 0 is now.
func (a *account) wait(now time.Time) time.Duration {
	a.forget(now)
	wait := max(0, a.until.Sub(now))
	if a.Requests > 0 && len(a.calls) >= a.Requests {
		wait = max(wait, a.calls[len(a.calls)-a.Requests].Add(window).Sub(now))
	}
	if a.Tokens > 0 && a.tokens >= a.Tokens {
		left := a.tokens
		for _, s := range a.spent {
			if left -= s.tokens; left < a.Tokens {
				wait = max(wait, s.at.Add(window).Sub(now))
				break
			}
		}
	}
	if a.Concurrent > 0 && a.busy >= a.Concurrent {
		wait = max(wait, time.Second) // nobody knows when a call ends
	}
	return wait
}

// forget drops what lies more than a minute back.
func (a *account) forget(now time.Time) {
	n := 0
	for n < len(a.calls) && now.Sub(a.calls[n]) >= window {
		n++
	}
	a.calls = a.calls[n:]
	for n = 0; n < len(a.spent) && now.Sub(a.spent[n].at) >= window; n++ {
		a.tokens -= a.spent[n].tokens
	}
	a.spent = a.spent[n:]
}

// Done gives an account back: what its call took, and what the provider answered. A 429 or 529 lets it rest for
// retryAfter, a refusal of its key for minutes.
func (p *Pool) Done(i int, now time.Time, tokens, status int, retryAfter time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := &p.accounts[i]
	a.busy--
	if a.Requests == 0 {
		a.calls = a.calls[:0]
	}
	if tokens > 0 && a.Tokens > 0 {
		a.spent = append(a.spent, spent{now, tokens})
		a.tokens += tokens
	}
	rest := time.Duration(0)
	switch {
	case status == http.StatusTooManyRequests || status == 529:
		if rest = retryAfter; rest <= 0 {
			rest = defaultRest
		}
	case Refused(status):
		rest = refusedRest
	}
	if until := now.Add(rest); rest > 0 && until.After(a.until) {
		a.until = until
	}
}

// Refused says that a status refuses the key.
func Refused(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// Another says whether another key may do better after this status.
func Another(status int) bool {
	return status == http.StatusTooManyRequests || status == 529 || Refused(status)
}
