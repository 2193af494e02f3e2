package conference

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"meetbox.local/bridge/internal/rtp"
)

// kind is what to do with a payload type.
type kind uint8

const (
	kindUnknown kind = iota
	kindAudio
	kindVideo
	kindRTX
)

// payload is one payload type on the packet path.
type payload struct {
	kind  kind
	codec rtp.Codec
	apt   uint8 // of kindRTX: what it retransmits
	rtx   uint8 // what retransmits it; 0 for none
	clock int32
	red   bool // redundant audio
}

// mediaTable is what an endpoint can send and receive. It is immutable.
type mediaTable struct {
	types      [128]payload
	extensions [256]extension
	// Ids of what the bridge adds; 0 where the endpoint knows none.
	sequenceID, sendTimeID, midID uint8
	transportCC                   bool  // some payload type wants transport-wide feedback
	pli                           bool  // … PLI; otherwise FIR
	rtx                           bool  // knows retransmissions of their own
	anyVideo                      uint8 // a payload type of it; 0 for none
	audio, video                  bool  // accepts it
}

// extension is what the bridge does with a header extension it receives. All
// others are left out of what is forwarded.
type extension uint8

const (
	extensionOther extension = iota
	extensionLevel           // read, and passed on
	extensionRetained
	extensionDependency // read, and passed on with another frame number
	extensionSequence   // read
)

const (
	uriLevel       = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	uriOrientation = "urn:3gpp:video-orientation"
	uriDependency  = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
	uriSequence    = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	uriSendTime    = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	uriMid         = "urn:ietf:params:rtp-hdrext:sdes:mid"
)

// signalled is all that was ever signalled to be of use to an endpoint.
type signalled struct {
	types      map[uint8]PayloadType
	extensions map[uint8]string
}

func (s *signalled) add(types []PayloadType, extensions []Extension) {
	if s.types == nil {
		s.types, s.extensions = map[uint8]PayloadType{}, map[uint8]string{}
	}
	for _, t := range types {
		if t.ID < 128 {
			s.types[t.ID] = t
		}
	}
	for _, x := range extensions {
		if x.ID != 0 {
			s.extensions[x.ID] = x.URI
		}
	}
}

// table makes the table for the packet path.
func (s *signalled) table() *mediaTable {
	m := new(mediaTable)
	for _, id := range slices.Sorted(maps.Keys(s.types)) {
		t := s.types[id]
		p := &m.types[id]
		p.clock = int32(t.ClockRate)
		switch {
		case t.Media == Audio:
			p.kind, m.audio = kindAudio, true
			p.red = strings.EqualFold(t.Name, "red")
		case strings.EqualFold(t.Name, "rtx"):
			apt, err := strconv.ParseUint(t.Parameters["apt"], 10, 7)
			if err != nil {
				continue // retransmits nothing that we know
			}
			p.kind, p.apt = kindRTX, uint8(apt)
			m.types[apt].rtx, m.rtx = id, true
		default:
			p.kind, p.codec, m.video = kindVideo, rtp.CodecNamed(t.Name), true
			if m.anyVideo == 0 {
				m.anyVideo = id
			}
		}
		if p.clock <= 0 {
			p.clock = 90_000
			if p.kind == kindAudio {
				p.clock = 48_000
			}
		}
		for _, f := range t.Feedback {
			m.transportCC = m.transportCC || f.Type == "transport-cc"
			m.pli = m.pli || f.Type == "nack" && f.Subtype == "pli"
		}
	}
	for id, uri := range s.extensions {
		switch uri {
		case uriLevel:
			m.extensions[id] = extensionLevel
		case uriOrientation:
			m.extensions[id] = extensionRetained
		case uriDependency:
			m.extensions[id] = extensionDependency
		case uriSequence:
			m.extensions[id], m.sequenceID = extensionSequence, id
		case uriSendTime:
			m.sendTimeID = id
		case uriMid:
			m.midID = id
		}
	}
	return m
}
