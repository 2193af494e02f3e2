// Package speech finds the dominant speaker of a meeting from the audio
// levels of RFC 6464, after Volfin and Cohen, "Dominant speaker
// identification for multipoint videoconferencing" (2012), with the constants
// that Jitsi uses.
//
// A [Voice] judges one speaker at three time scales: is there sound now, is it
// like a word, is it like a sentence. [Dominant] compares the voices every
// [Every]; a speaker takes over when it scores better on all three, so a cough
// does not. It is pure: the caller passes levels and times, and makes sure
// that nobody else uses a voice meanwhile.
package speech

import (
	"math"
	"time"
)

// Every is how often the dominant speaker is decided.
const Every = 300 * time.Millisecond

const (
	idle = int64(40 * time.Millisecond) // without a level for so long there was silence

	levels  = 50             // immediate values: a second of 20 ms packets
	group   = 5              // of them make a medium value
	mediums = levels / group // of which the long value is made

	loudest = 127
	// quantum is a thirteenth of the level range.
	quantum = (loudest + 12) / 13
	margin  = 10  // above a voice's own background that counts as sound
	window  = 750 // levels after which the background is judged anew: 15 s

	mediumAbove = 7 // immediate values above this count for the medium one
	longAbove   = 4 // medium values above this count for the long one

	floor = 1e-10
)

// scale is one of the three: how many of n parts are active, and the rate of
// the exponential that describes a silent one.
type scale struct {
	n      int
	lambda float64
}

// Voice is the recent past of one speaker.
type Voice struct {
	immediate [levels]uint8 // newest first
	medium    [mediums]uint8
	long      uint8
	dirty     bool
	heard     int64 // when a level last came

	background, candidate uint8
	judged                int

	scores [3]float64
	energy int // smoothed level; 127 is loudest
}

// Level notes an audio level in -dBov: 0 is loudest, 127 silence.
func (v *Voice) Level(dbov uint8, now int64) {
	v.heard = now
	level := loudest - min(dbov, loudest)
	v.energy = (int(level) + v.energy + 1) / 2
	v.push(level)
}

func (v *Voice) push(level uint8) {
	v.learn(level)
	var value uint8
	if level >= v.background+margin || v.background == 0 && level > 0 {
		value = level / quantum
	}
	copy(v.immediate[1:], v.immediate[:])
	v.immediate[0] = value
	v.dirty = true
}

// learn follows the background level: down at once, up when nothing as low
// came for a window.
func (v *Voice) learn(level uint8) {
	if level == 0 {
		return
	}
	if v.background == 0 || level <= v.background {
		v.background, v.candidate, v.judged = level, 0, 0
		return
	}
	if v.candidate == 0 || level < v.candidate {
		v.candidate = level
	}
	if v.judged++; v.judged >= window {
		v.background = uint8(math.Round(math.Sqrt(float64(v.background) * float64(v.candidate))))
		v.candidate, v.judged = 0, 0
	}
}

// evaluate brings the scores up to date.
func (v *Voice) evaluate(now int64) {
	for v.heard != 0 && now-v.heard >= idle && v.loud() {
		v.push(0)
		v.heard += idle / 2 // a packet's worth of silence
	}
	if !v.dirty && v.scores[0] != 0 {
		return
	}
	v.dirty = false
	v.long = 0
	for i := range v.medium {
		v.medium[i] = 0
		for _, x := range v.immediate[i*group : (i+1)*group] {
			if x > mediumAbove {
				v.medium[i]++
			}
		}
		if v.medium[i] > longAbove {
			v.long++
		}
	}
	v.scores = [3]float64{
		scale{13, 0.78}.score(int(v.immediate[0])),
		scale{group, 24}.score(int(v.medium[0])),
		scale{mediums, 47}.score(int(v.long)),
	}
}

// loud says whether there is anything left to forget.
func (v *Voice) loud() bool { return v.immediate != [levels]uint8{} }

// score is the log-likelihood of speech against silence with x of n active.
func (s scale) score(x int) float64 {
	p := math.Log(0.5)
	choose, _ := math.Lgamma(float64(s.n + 1))
	a, _ := math.Lgamma(float64(x + 1))
	b, _ := math.Lgamma(float64(s.n - x + 1))
	v := choose - a - b + float64(x)*p + float64(s.n-x)*p - math.Log(s.lambda) + s.lambda*float64(x)
	return max(v, floor)
}

// Scores are the voice's scores at the three time scales.
func (v *Voice) Scores(now int64) Scores {
	v.evaluate(now)
	return v.scores
}

// Scores compare speakers.
type Scores [3]float64

// Dominant decides among speakers. current is the index of the dominant one,
// or -1; so is the result. With nobody dominant the first one is.
func Dominant(speakers []Scores, current int) int {
	if len(speakers) == 0 {
		return -1
	}
	if current < 0 {
		current = 0
	}
	best, least := current, 2.0
	for i, s := range speakers {
		if i == current {
			continue
		}
		d := speakers[current]
		c1, c2, c3 := math.Log(s[0]/d[0]), math.Log(s[1]/d[1]), math.Log(s[2]/d[2])
		if c1 > 3 && c2 > least && c3 > 0 {
			best, least = i, c2
		}
	}
	return best
}
