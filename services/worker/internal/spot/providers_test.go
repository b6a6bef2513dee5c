package spot_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"log/slog"

	"github.com/leathq/leat/services/worker/internal/spot"
	"github.com/leathq/leat/services/worker/internal/spot/spottest"
)

// Tokens are renewed before they end, and at once where the service has forgotten them; neither is a failure.
func TestAWSTokensAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := &spottest.AWS{}
		w := watch(t, "aws", aws)
		w.none(t, 47*time.Hour)
		if n := aws.Issued(); n != 8 { // 6 h each
			t.Errorf("%d tokens in 47 h", n)
		}
		if n := aws.Refused(); n > 0 {
			t.Errorf("asked %d times with a token that had ended", n)
		}
		aws.Forget()
		aws.Interrupt("stop", time.Now().Add(2*time.Minute))
		n, _ := w.only(t, 6*time.Second)
		if n.Kind != "stop" || aws.Issued() != 9 || w.log.count("level=WARN") > 0 {
			t.Errorf("notice %+v, %d tokens\n%s", n, aws.Issued(), w.log.String())
		}
	})
}

// An interruption without a time that can be read is one all the same; an action that is new, too.
func TestAWSActionsThatAreNotKnownCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := &spottest.AWS{}
		w := watch(t, "aws", aws)
		aws.Say(`{"action": "teleport", "time": "tomorrow"}`, "")
		n, told := w.only(t, time.Minute)
		if n.Kind != "other" || n.At.Sub(told) != 2*time.Minute {
			t.Errorf("notice %+v", n)
		}
	})
}

// A recommendation to leave is advice; the interruption that follows it is not.
func TestAWSRecommendsAndInterrupts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := &spottest.AWS{}
		w := watch(t, "aws", aws)
		aws.Say("", `{"noticeTime": "2026-11-26T08:22:00Z"}`)
		n, _ := w.only(t, time.Minute)
		if n.Kind != "rebalance" || !n.Advice || !n.At.IsZero() {
			t.Errorf("notice %+v", n)
		}
		aws.Interrupt("hibernate", time.Now())
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(w.notices) != 2 || w.notices[1].Kind != "hibernate" || w.notices[1].Advice {
			t.Errorf("notices %+v", w.notices)
		}
	})
}

// What changes between two questions is not missed until the next change.
func TestGCPChangesBetweenQuestionsAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gcp := spottest.NewGCP()
		w := watch(t, "gcp", gcp)
		w.none(t, time.Minute)
		gcp.Set("preempted", "FALSE") // which is answered; the next question comes a second later
		w.none(t, 500*time.Millisecond)
		gcp.Set("preempted", "TRUE")
		w.only(t, time.Second)
	})
}

// A machine that moves to another host while it runs stays.
func TestGCPMigrationIsNoNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gcp := spottest.NewGCP()
		w := watch(t, "gcp", gcp)
		w.none(t, time.Minute)
		gcp.Set("maintenance-event", "MIGRATE_ON_HOST_MAINTENANCE")
		w.none(t, time.Hour)
		gcp.Set("maintenance-event", "NONE")
		w.none(t, time.Hour)
		// Waiting for a change is one question a minute and value, however often it is asked anew.
		if n := w.requests.Load(); n > 2*(121+10) {
			t.Errorf("%d questions in two hours", n)
		}
	})
}

// Of Azure's events only those count that take this machine away.
func TestAzureEventsOfOthersAreIgnored(t *testing.T) {
	started := event("e5", "Reboot", time.Now(), "vm_7")
	started.EventStatus, started.NotBefore = "Started", ""
	for name, e := range map[string]spottest.Event{
		"another machine's":     event("e1", "Preempt", time.Now(), "vm_8"),
		"a name that begins so": event("e2", "Preempt", time.Now(), "vm_70"),
		"a freeze":              event("e3", "Freeze", time.Now(), "vm_7"),
		"nobody's":              event("e4", "Terminate", time.Now()),
		"a start that is over":  started,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				azure := &spottest.Azure{Name: "vm_7"}
				azure.Schedule(e)
				watch(t, "azure", azure).none(t, time.Hour)
			})
		})
	}
}

// An event of this machine alone can be approved; one that names others, too, cannot, nor one that has begun.
func TestAzureEventsCanBeApproved(t *testing.T) {
	begun := event("e1", "Preempt", time.Now(), "vm_7")
	begun.EventStatus, begun.NotBefore = "Started", ""
	for name, c := range map[string]struct {
		event spottest.Event
		want  bool
	}{
		"its own":     {event("e1", "Redeploy", time.Now().Add(time.Hour), "VM_7"), true},
		"a whole set": {event("e1", "Terminate", time.Now().Add(time.Hour), "vm_6", "vm_7"), false},
		"begun":       {begun, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				azure := &spottest.Azure{Name: "vm_7"}
				azure.Schedule(c.event)
				n, _ := watch(t, "azure", azure).only(t, time.Minute)
				if len(azure.Approved()) > 0 {
					t.Error("approved by nobody")
				}
				if (n.Approve != nil) != c.want {
					t.Fatalf("can be approved: %v", n.Approve != nil)
				}
				if !c.want {
					return
				}
				if err := n.Approve(t.Context()); err != nil || !slices.Equal(azure.Approved(), []string{"e1"}) {
					t.Errorf("approved %v, %v", azure.Approved(), err)
				}
			})
		})
	}
}

// Over a real connection, too.
func TestOverHTTP(t *testing.T) {
	gcp := spottest.NewGCP()
	srv := httptest.NewServer(gcp)
	defer srv.Close()
	told, done := make(chan spot.Notice, 1), make(chan struct{})
	go func() {
		defer close(done)
		spot.Watch(t.Context(), spot.Options{Provider: "auto", URL: srv.URL + "/", Log: slog.New(slog.DiscardHandler)}, func(n spot.Notice) { told <- n })
	}()
	gcp.Set("preempted", "TRUE")
	select {
	case n := <-told:
		if n.Provider != "gcp" || n.Kind != "preempted" {
			t.Errorf("notice %+v", n)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no notice")
	}
	srv.CloseClientConnections()
}

// FuzzAnswers: whatever a service says, watching goes on, and a notice has a kind of those that are documented.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"action": "stop", "time": "2026-11-26T08:22:00Z"}`, 200)
	f.Add(`{"Events": [{"EventId": "e", "EventType": "Preempt", "Resources": ["TRUE"], "NotBefore": "Mon, 19 Sep 2016 18:29:47 GMT"}]}`, 200)
	f.Add("TRUE", 200)
	f.Add("", 404)
	f.Fuzz(func(t *testing.T, body string, status int) {
		if status < 200 || status > 999 {
			return
		}
		service := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Metadata-Flavor", "Google")
			w.Header().Set("X-aws-ec2-metadata-token-ttl-seconds", "60")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
		for _, provider := range []string{"aws", "gcp", "azure"} {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t, provider, service)
				time.Sleep(30 * time.Second)
				synctest.Wait()
				for _, n := range w.notices {
					if !strings.Contains(" terminate stop hibernate rebalance other preempted maintenance preempt reboot redeploy ", " "+n.Kind+" ") {
						t.Errorf("notice %+v", n)
					}
				}
			})
		}
	})
}
