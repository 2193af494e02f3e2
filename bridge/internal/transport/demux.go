package transport

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
)

// kind is what a datagram is by its first bytes (RFC 7983).
type kind int

const (
	garbage kind = iota
	stunPacket
	dtlsPacket
	rtpPacket
	rtcpPacket
	turnPacket // data of a TURN channel
)

const (
	minDTLS = 13 // record header
	minRTP  = 12
	minRTCP = 8
)

// classify looks at no more than it needs to tell the protocols apart. STUN
// wants its cookie, so that nothing else that starts with a small byte gets
// any further.
func classify(b []byte) kind {
	if len(b) < minRTCP {
		return garbage
	}
	switch first := b[0]; {
	case first < 4:
		if len(b) >= stunHeader && binary.BigEndian.Uint32(b[4:]) == stunCookie {
			return stunPacket
		}
	case first >= 20 && first < 64:
		if len(b) >= minDTLS {
			return dtlsPacket
		}
	case first >= 64 && first < 80:
		return turnPacket
	case first >= 128 && first < 192:
		if second := b[1]; second >= 192 && second <= 223 {
			return rtcpPacket
		}
		if len(b) >= minRTP {
			return rtpPacket
		}
	}
	return garbage
}

const (
	stunHeader    = 20
	stunCookie    = 0x2112A442
	integritySize = sha1.Size

	attrUsername  = 0x0006
	attrIntegrity = 0x0008

	bindingRequest    = 0x0001
	bindingIndication = 0x0011
	bindingSuccess    = 0x0101
	bindingError      = 0x0111
)

type transactionID [12]byte

// stunMessage is what the port must know of a message to find its session.
// It points into the datagram.
type stunMessage struct {
	raw       []byte
	kind      uint16 // method and class
	id        transactionID
	username  []byte
	integrity int // offset of the attribute's header, 0 if there is none
}

// parseSTUN checks the structure of the whole message. Attributes after
// MESSAGE-INTEGRITY are not authentic and are not looked at (RFC 8489 §14.5).
func parseSTUN(b []byte) (stunMessage, bool) {
	if len(b) < stunHeader || binary.BigEndian.Uint32(b[4:]) != stunCookie {
		return stunMessage{}, false
	}
	m := stunMessage{raw: b, kind: binary.BigEndian.Uint16(b), id: transactionID(b[8:20])}
	if n := int(binary.BigEndian.Uint16(b[2:])); n%4 != 0 || stunHeader+n != len(b) {
		return stunMessage{}, false
	}
	for at := stunHeader; at < len(b); {
		attr, n := binary.BigEndian.Uint16(b[at:]), int(binary.BigEndian.Uint16(b[at+2:]))
		value := at + 4
		next := value + (n+3)&^3
		if next > len(b) {
			return stunMessage{}, false
		}
		switch {
		case m.integrity != 0:
		case attr == attrUsername && m.username == nil:
			m.username = b[value : value+n]
		case attr == attrIntegrity:
			if n != integritySize {
				return stunMessage{}, false
			}
			m.integrity = at
		}
		at = next
	}
	return m, true
}

// localUfrag is the part of the username that names our session.
func (m stunMessage) localUfrag() []byte {
	for i, c := range m.username {
		if c == ':' {
			return m.username[:i]
		}
	}
	return nil
}

// authentic checks MESSAGE-INTEGRITY under a short-term credential.
func (m stunMessage) authentic(password string) bool {
	if m.integrity == 0 || password == "" {
		return false
	}
	mac := hmac.New(sha1.New, []byte(password))
	// The tag covers a header whose length ends with the tag itself.
	var head [4]byte
	copy(head[:], m.raw[:2])
	binary.BigEndian.PutUint16(head[2:], uint16(m.integrity+4+integritySize-stunHeader))
	mac.Write(head[:])
	mac.Write(m.raw[4:m.integrity])
	var sum [integritySize]byte
	return hmac.Equal(mac.Sum(sum[:0]), m.raw[m.integrity+4:m.integrity+4+integritySize])
}
