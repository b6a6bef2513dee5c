package upstream

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Status is what the control endpoint shows.
type Status struct {
	Address string `json:"address"`
	Fault   Fault  `json:"fault"`
	TTFT    string `json:"ttft"` // durations as Go spells them: "20ms"
	TPOT    string `json:"tpot"`
	Tokens  int    `json:"tokens"`
	Active  int64  `json:"active"`
	Served  int64  `json:"served"`
}

// change is the body of a POST; what is absent stays.
type change struct {
	Fault  *Fault  `json:"fault"`
	TTFT   *string `json:"ttft"`
	TPOT   *string `json:"tpot"`
	Tokens *int    `json:"tokens"`
}

// Control serves the switches: GET shows the Status, POST takes {"fault","ttft","tpot","tokens"} and shows it too. It
// belongs on an address of its own, because a fault may close the server's.
func (s *Server) Control() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if err := s.change(r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.status()) // the client may be gone
	})
}

func (s *Server) status() Status {
	now := s.state.Load()
	return Status{
		Address: s.address, Fault: now.fault, TTFT: now.profile.TTFT.String(), TPOT: now.profile.TPOT.String(),
		Tokens: now.profile.Tokens, Active: s.Active(), Served: s.Served(),
	}
}

func (s *Server) change(r *http.Request) error {
	var want change
	body := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<16))
	body.DisallowUnknownFields()
	if err := body.Decode(&want); err != nil {
		return fmt.Errorf("read change: %w", err)
	}
	now := s.state.Load()
	profile, fault := now.profile, now.fault
	if want.Fault != nil {
		fault = *want.Fault
	}
	if want.Tokens != nil {
		profile.Tokens = *want.Tokens
	}
	for _, d := range []struct {
		text *string
		to   *time.Duration
	}{{want.TTFT, &profile.TTFT}, {want.TPOT, &profile.TPOT}} {
		if d.text == nil {
			continue
		}
		parsed, err := time.ParseDuration(*d.text)
		if err != nil {
			return fmt.Errorf("read change: %w", err)
		}
		*d.to = parsed
	}
	return s.Set(profile, fault)
}
