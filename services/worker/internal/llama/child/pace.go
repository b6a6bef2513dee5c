package child

// leastRoom is how many prompt tokens every turn has room for, unless the chunk is smaller: calls with fewer spend too
// much of their time on what each call costs.
const leastRoom = 16

// room is how many prompt tokens follow a step that decoded n tokens: as many as take about the time of that step. So a
// running sequence waits at most about twice as long for its next token as without prompts, and prompts get at least
// half the machine. Where nothing runs nobody waits, and a whole chunk has room.
func (s *scheduler) room(n int) int {
	if n == 0 {
		return s.chunk
	}
	fair := float64(n)
	if s.load.PrefillRate > 0 && s.load.DecodeRate > 0 {
		fair *= s.load.PrefillRate / s.load.DecodeRate
	}
	return min(max(int(fair), leastRoom), s.chunk)
}

// fits tells whether a turn goes on to a prompt that has left tokens: where all of it has room, or enough of it for a
// call that is worth its cost.
func fits(left, room int) bool { return left <= room || room >= leastRoom/2 }
