package rtp

import (
	"encoding/binary"
	"errors"
)

// Why a packet is refused.
var (
	ErrShort     = errors.New("rtp: packet too short")
	ErrVersion   = errors.New("rtp: not version 2")
	ErrExtension = errors.New("rtp: extension longer than the packet")
	ErrPadding   = errors.New("rtp: padding longer than the payload")
)

const (
	fixedSize      = 12
	profileOneByte = 0xbede
	profileTwoByte = 0x1000 // the lower four bits are free
)

// Header is a parsed RTP header. Offsets refer to the packet it was parsed
// from; methods that take the packet must be given the same one.
type Header struct {
	SSRC, Timestamp uint32
	SequenceNumber  uint16
	PayloadType     uint8
	Marker          bool
	csrcs           uint8
	profile         uint16 // 0 without extension
	extAt, extEnd   uint16 // the extension's elements
	payloadEnd      uint16 // without padding
	padding         uint8
}

// Parse reads the header of a packet. Padding is not part of the payload.
func Parse(b []byte) (Header, error) {
	if len(b) < fixedSize || len(b) > 0xffff {
		return Header{}, ErrShort
	}
	if b[0]>>6 != 2 {
		return Header{}, ErrVersion
	}
	h := Header{
		SSRC:           binary.BigEndian.Uint32(b[8:]),
		Timestamp:      binary.BigEndian.Uint32(b[4:]),
		SequenceNumber: binary.BigEndian.Uint16(b[2:]),
		PayloadType:    b[1] & 0x7f,
		Marker:         b[1]&0x80 != 0,
		csrcs:          b[0] & 0x0f,
	}
	at := fixedSize + 4*int(h.csrcs)
	if at > len(b) {
		return Header{}, ErrShort
	}
	if b[0]&0x10 != 0 {
		if at+4 > len(b) {
			return Header{}, ErrShort
		}
		h.profile = binary.BigEndian.Uint16(b[at:])
		end := at + 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
		if end > len(b) {
			return Header{}, ErrExtension
		}
		h.extAt, h.extEnd = uint16(at+4), uint16(end)
		at = end
	} else {
		h.extAt, h.extEnd = uint16(at), uint16(at)
	}
	h.payloadEnd = uint16(len(b))
	if b[0]&0x20 != 0 {
		h.padding = b[len(b)-1]
		if h.padding == 0 || int(h.padding) > len(b)-at {
			return Header{}, ErrPadding
		}
		h.payloadEnd -= uint16(h.padding)
	}
	return h, nil
}

// Payload is the packet's payload without padding.
func (h *Header) Payload(b []byte) []byte { return b[h.extEnd:h.payloadEnd:h.payloadEnd] }

// Size is the length of the packet without padding.
func (h *Header) Size() int { return int(h.payloadEnd) }

// Elements walks the header extension.
func (h *Header) Elements(b []byte) Elements {
	e := Elements{packet: b, at: h.extAt, end: h.extEnd}
	switch {
	case h.profile == profileOneByte:
		e.form = 1
	case h.profile&0xfff0 == profileTwoByte:
		e.form = 2
	default: // another profile: not ours to read
		e.end = e.at
	}
	return e
}

// Element is one header extension of a packet: its bytes are
// packet[At:At+Len].
type Element struct {
	ID  uint8
	Len uint8
	At  uint16
}

// Data is the element's bytes in its packet.
func (e Element) Data(b []byte) []byte { return b[e.At : e.At+uint16(e.Len)] }

// Elements is a walk through a header extension. It ends at the first
// malformed element.
type Elements struct {
	packet  []byte
	at, end uint16
	form    uint8 // bytes before an element's data
}

// Next is the next element; the last result is false after the last.
func (w *Elements) Next() (Element, bool) {
	for w.at < w.end {
		b := w.packet[w.at]
		if b == 0 { // padding, in both forms
			w.at++
			continue
		}
		e := Element{ID: b}
		if w.form == 1 {
			e.ID, e.Len = b>>4, b&0x0f+1
			if e.ID == 0 || e.ID == 15 { // RFC 8285 §4.2: nothing after this counts
				break
			}
		} else {
			if w.at+1 >= w.end {
				break
			}
			e.Len = w.packet[w.at+1]
		}
		e.At = w.at + uint16(w.form)
		if e.At+uint16(e.Len) > w.end {
			break
		}
		w.at = e.At + uint16(e.Len)
		return e, true
	}
	w.at = w.end
	return Element{}, false
}
