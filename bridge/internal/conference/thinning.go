package conference

// thinned is what receivers get at most, by step of thinning: smaller pictures
// first, then fewer. Sound is never touched, and shared screens stay sharp.
// -1 and 0 are without limit.
var thinned = [...]struct{ height, lastN int }{
	{0, -1}, {360, -1}, {180, -1}, {180, 9}, {180, 4}, {180, 1},
}

// MostThinning is the last step of [Bridge.SetThinning].
const MostThinning = len(thinned) - 1

// SetThinning has all conferences forward less video, in steps from 0, which
// is all, to MostThinning. It is for a bridge that has too much to do.
func (b *Bridge) SetThinning(step int) { b.thinning.Store(int32(min(max(step, 0), MostThinning))) }

// Thinning is the current step.
func (b *Bridge) Thinning() int { return int(b.thinning.Load()) }
