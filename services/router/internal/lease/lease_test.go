package lease_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/lease"
)

var t0 = time.Unix(1_800_000_000, 0)

func at(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }

// claimed is a seat that "a" has owned with epoch 7 since t0.
func claimed(t *testing.T) *lease.Seat {
	t.Helper()
	s := lease.New("a", t0, 0)
	if s.Next(t0) != lease.Claim || s.Next(t0) != lease.Nothing {
		t.Fatal("a free seat is claimed once")
	}
	s.Took(7, 7, at(1))
	return s
}

func TestAStandbyClaimsOnlyWhatHasNotMovedForTwoSeconds(t *testing.T) {
	s := lease.New("b", t0, time.Second)
	s.Seen("a", 7, 7, at(100))
	for ms, rev := 600, uint64(8); ms < 5000; ms, rev = ms+500, rev+1 {
		s.Seen("a", 7, rev, at(ms))
		if got := s.Next(at(ms + 499)); got != lease.Nothing {
			t.Fatalf("step %d while the owner renews", got)
		}
	}
	if s.Epoch != 7 {
		t.Fatalf("epoch %d after renewals, want the claim's 7", s.Epoch)
	}
	if s.Next(at(6599)) != lease.Nothing || s.Next(at(6601)) != lease.Claim {
		t.Fatal("the claim should come 2 s after the last renewal, at 4.6 s")
	}
}

func TestGatewaysThatAskOverAndOverDoNotDelayTheClaim(t *testing.T) {
	s := lease.New("b", t0, 0)
	s.Seen("a", 7, 7, t0)
	for ms := 0; ms < 2000; ms += 200 { // each time the owner seems to be there
		if !s.Begin(at(ms)) {
			t.Fatal("busy")
		}
		s.Failed(false)
	}
	if s.Next(at(2001)) != lease.Claim {
		t.Fatal("the claim of a lease that has not moved for 2 s is put off")
	}
}

func TestADeletedEntryIsClaimedAtOnce(t *testing.T) {
	s := lease.New("b", t0, 0)
	s.Seen("a", 7, 7, at(100))
	s.Seen("", 0, 8, at(200))
	if s.Next(at(201)) != lease.Claim {
		t.Fatal("the owner left cleanly and nobody takes over")
	}
}

func TestAnOwnerRenewsAndKeepsItsEpoch(t *testing.T) {
	s := claimed(t)
	for i := 1; i < 10; i++ {
		if s.Next(at(i*500-1)) != lease.Nothing || s.Next(at(i*500)) != lease.Renew {
			t.Fatalf("renewal %d is not due every 500 ms", i)
		}
		s.Took(uint64(7+i), 0, at(i*500+1))
		s.Seen("a", 7, uint64(7+i), at(i*500+2)) // the watch brings our own write
	}
	if !s.Valid(at(6400)) || s.Epoch != 7 {
		t.Fatalf("valid %v, epoch %d", s.Valid(at(6400)), s.Epoch)
	}
}

func TestAnOwnerStepsDown(t *testing.T) {
	for name, lose := range map[string]func(*lease.Seat){
		"when it sees another owner":      func(s *lease.Seat) { s.Seen("b", 9, 9, at(400)) },
		"when its renewal meets a winner": func(s *lease.Seat) { s.Next(at(500)); s.Failed(true) },
	} {
		s := claimed(t)
		lose(s)
		if s.Next(at(600)) != lease.StepDown {
			t.Errorf("%s: goes on", name)
		}
		s.Down(at(601))
		if s.Mine() || s.Next(at(700)) != lease.Nothing {
			t.Errorf("%s: claims it back at once", name)
		}
	}
	// A process that was stopped, or cut off from the bucket, finds out by the clock.
	s := claimed(t)
	s.Next(at(500))
	s.Failed(false)
	if !s.Valid(at(1999)) || s.Valid(at(2001)) || s.Next(at(2001)) != lease.StepDown {
		t.Error("ownership should end 2 s after the last renewal")
	}
}

func TestARenewalThatComesBackLateDoesNotRestoreAnOwner(t *testing.T) {
	s := claimed(t)
	s.Next(at(500))
	s.Down(at(510))
	s.Took(8, 0, at(520))
	if s.Mine() {
		t.Fatal("an owner that stepped down is one again")
	}
}

func TestALateClaimDoesNotUndoANewerEntry(t *testing.T) {
	s := lease.New("a", t0, 0)
	s.Next(t0)
	s.Seen("b", 9, 9, at(1)) // b won with revision 9
	s.Took(8, 8, at(2))
	if s.Mine() {
		t.Fatal("two owners")
	}
}

// Epochs only grow for as long as anybody remembers one, also where the bucket, and its revisions with it, began anew.
func TestAClaimIsAboveEveryEpochThatIsKnown(t *testing.T) {
	s := lease.New("a", t0, 0)
	s.Seen("b", 1007, 9, at(1))
	s.Seen("", 0, 10, at(2))
	if s.Floor != 1008 {
		t.Fatalf("floor %d after an owner with epoch 1007", s.Floor)
	}
	s.Outdated(2000) // a worker's word
	s.Outdated(7)
	if s.Floor != 2001 {
		t.Fatalf("floor %d where a worker knows 2000", s.Floor)
	}
	s.Next(at(3))
	s.Took(11, 2001, at(4))
	s.Next(at(600))
	s.Took(12, 0, at(601))
	if s.Epoch != 2001 || s.Floor != 2002 {
		t.Fatalf("epoch %d, floor %d after the claim and a renewal", s.Epoch, s.Floor)
	}
}

// Whoever asks a seat only when it is due misses nothing that one who asks all the time would see.
func TestBeforeASeatIsDueThereIsNothingToDo(t *testing.T) {
	steps := map[lease.Step]int{}
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		s, rev := lease.New("a", t0, time.Duration(rnd.IntN(1000))*time.Millisecond), uint64(1)
		busy := false
		for ms := 0; ms < 20_000; ms += 10 {
			now := at(ms)
			due := s.Due()
			step := s.Next(now)
			steps[step]++
			if step != lease.Nothing && due.After(now) {
				t.Fatalf("step %d at %d ms, due %v", step, ms, due.Sub(t0))
			}
			if step == lease.Nothing && !busy && !due.After(now) {
				t.Fatalf("nothing at %d ms, due %v", ms, due.Sub(t0))
			}
			if step == lease.StepDown {
				s.Down(now)
			}
			busy = busy && step != lease.StepDown || step == lease.Claim || step == lease.Renew
			switch rnd.IntN(60) {
			case 0:
				rev++
				s.Seen("b", rev, rev, now)
			case 1:
				rev++
				s.Seen("", 0, rev, now)
			case 2:
				busy = s.Begin(now) || busy
			default:
				if !busy || rnd.IntN(8) > 0 {
					continue
				}
				busy = false
				switch rnd.IntN(4) {
				case 0:
					s.Failed(rnd.IntN(2) == 0)
				case 1:
					rev++
					s.Took(rev, 0, now)
				default:
					rev++
					s.Took(rev, rev, now)
				}
			}
		}
	}
	for _, step := range []lease.Step{lease.Claim, lease.Renew, lease.StepDown} {
		if steps[step] == 0 {
			t.Errorf("step %d never came", step)
		}
	}
}
