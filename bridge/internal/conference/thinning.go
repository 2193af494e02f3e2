package conference

import "meetbox.local/bridge/internal/channel"

// thinned is what receivers get at most, by step of thinning: smaller pictures
// first, then fewer. Sound is never touched, and shared screens stay sharp.
// -1 and 0 are without limit.
var thinned = [...]struct{ height, lastN int }{
	{0, -1}, {360, -1}, {180, -1}, {180, 9}, {180, 4}, {180, 1},
}

// MostThinning is the last step of [Bridge.SetThinning].
const MostThinning = len(thinned) - 1

// thinning is a step in thinned, and why it was taken. It is immutable.
type thinning struct {
	step   int
	reason string
}

// SetThinning has all conferences forward less video, in steps from 0, which
// is all, to MostThinning, and tell their clients so with the reason. It is
// for a bridge that has too much to do.
func (b *Bridge) SetThinning(step int, reason string) {
	if step <= 0 {
		step, reason = 0, ""
	}
	b.thinning.Store(&thinning{min(step, MostThinning), reason})
}

// Thinning is the current step.
func (b *Bridge) Thinning() int { return b.thinning.Load().step }

// message tells clients.
func (t *thinning) message() *channel.VideoThinned {
	return &channel.VideoThinned{Step: t.step, Reason: t.reason}
}
