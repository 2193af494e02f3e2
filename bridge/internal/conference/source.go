package conference

import (
	"sync"
	"sync/atomic"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/rtcp"
	"meetbox.local/bridge/internal/rtp"
)

// route is where a packet with some SSRC belongs.
type route struct {
	audio    *audioSource
	encoding *encoding
	rtx      bool // retransmissions of the encoding
}

// routes is an endpoint's table of its SSRCs; immutable.
type routes map[uint32]route

// audioSource is one microphone.
type audioSource struct {
	AudioSource
	owner    *Endpoint
	subs     atomic.Pointer[[]*audioLane] // never nil
	included atomic.Bool                  // a receiver asked for it by name: heard however quiet
	// wanted: some receiver has no SSRC for it yet. The next packet tells
	// the conference, once.
	wanted atomic.Bool

	// Under the owner's rx.
	window rtp.Window
	stats  rtcp.Reception
	seqs   rtp.Mapper
	silent int   // packets of silence in a row
	last   int64 // when a packet was last forwarded
}

func newAudioSource(owner *Endpoint, s AudioSource) *audioSource {
	a := &audioSource{AudioSource: s, owner: owner}
	a.subs.Store(new([]*audioLane))
	return a
}

// videoSource is one camera or shared screen.
type videoSource struct {
	owner     *Endpoint
	name      string
	encodings []*encoding
	subs      atomic.Pointer[[]*videoLane] // never nil
	keyframes keyframes

	// The conference's.
	videoType channel.VideoType
	wants     map[*Endpoint]int // effective heights by receiver
	told      int               // what the owner was last told; untold before
	falling   falling           // less is wanted than that
	unkeyed   bool              // a lane was aimed at a layer that a keyframe leads to
}

// encoding is one simulcast encoding of a source.
type encoding struct {
	source    *videoSource
	index     int
	ssrc, rtx uint32

	spatial [rtp.MaxSpatial]layer // without spatial layers, the first

	// Under the owner's rx.
	window   rtp.Window
	missing  rtp.Missing
	stats    rtcp.Reception
	rtxStats rtcp.Reception
	rtxSeq   int64
	clock    uint32 // of its timestamps, at the epoch of its sender's reports
	clocked  bool   // … is known
	layers   uint8  // spatial layers that there are; 0 is unknown
	stacked  bool   // each spatial layer builds on the one below, not only at keyframes
	// dependencies reads the descriptors of AV1.
	dependencies rtp.Dependencies

	// Receivers' NACKs come on other goroutines than the sender's packets.
	cacheMu sync.Mutex
	cache   rtp.Cache
}

// maxEncodings is more than any client sends; lanes watch them with a bit each.
const maxEncodings = 8

// maxTIDs is the most temporal layers that are told apart; those above count
// with the last.
const maxTIDs = 4

func newVideoSource(owner *Endpoint, s VideoSource) *videoSource {
	v := &videoSource{owner: owner, name: s.Name, videoType: s.Type, wants: map[*Endpoint]int{}, told: untold}
	v.keyframes.source = v
	v.subs.Store(new([]*videoLane))
	for i, x := range s.Encodings[:min(len(s.Encodings), maxEncodings)] {
		e := &encoding{source: v, index: i, ssrc: x.SSRC, rtx: x.RTX}
		// Jitsi's clients send 180, 360 and 720 lines.
		for sid := range e.spatial {
			e.spatial[sid].height.Store(180 << max(i, sid))
		}
		v.encodings = append(v.encodings, e)
	}
	return v
}

// primary names the source among the SSRCs of the conference.
func (v *videoSource) primary() uint32 { return v.encodings[0].ssrc }

// same says whether the source can go on under a new description.
func (v *videoSource) same(s VideoSource) bool {
	if v.name != s.Name || len(v.encodings) != min(len(s.Encodings), maxEncodings) {
		return false
	}
	for i, e := range v.encodings {
		if e.ssrc != s.Encodings[i].SSRC || e.rtx != s.Encodings[i].RTX {
			return false
		}
	}
	return true
}
