package top

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// redraw is how often the screen is drawn anew.
const redraw = 500 * time.Millisecond

// Screen is the live view: bubbletea's model. Send it Report and Told messages.
type Screen struct {
	fleet *Fleet
	view  View
	now   func() time.Time
}

// ReportMsg is a report that came now.
type ReportMsg struct{ Report *inferv1.Report }

// ToldMsg is what a router says, by pool; nil where none answered.
type ToldMsg map[string]Told

type tickMsg struct{}

// NewScreen makes one whose reports come from a source, which it names.
func NewScreen(source string, now func() time.Time) *Screen {
	return &Screen{fleet: &Fleet{}, view: View{Source: source, Keys: true}, now: now}
}

// Init begins the ticks.
func (s *Screen) Init() tea.Cmd { return tick() }

func tick() tea.Cmd { return tea.Tick(redraw, func(time.Time) tea.Msg { return tickMsg{} }) }

// Update takes a message.
func (s *Screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch m := msg.(type) {
	case ReportMsg:
		s.fleet.Report(m.Report, s.now())
	case ToldMsg:
		s.fleet.Told(m)
	case tea.WindowSizeMsg:
		s.view.Width, s.view.Height = m.Width, m.Height
	case tickMsg:
		s.fleet.Sweep(s.now())
		return s, tick()
	case tea.KeyMsg:
		switch m.String() {
		case "q", "esc", "ctrl+c":
			return s, tea.Quit
		case "s":
			s.view.Order = s.view.Order.Next()
		}
	}
	return s, nil
}

// View is the frame.
func (s *Screen) View() string { return s.view.Frame(s.fleet, s.now()) }
