package srtp

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// gcm is AEAD_AES_128_GCM. It holds no mutable state.
type gcm struct {
	aead cipher.AEAD
	salt [12]byte
}

func newGCM(key, salt []byte) (*gcm, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	g := &gcm{aead: aead}
	copy(g.salt[:], salt)
	return g, nil
}

// nonce is RFC 7714 §8.1 for SRTP, §9.1 for SRTCP. Both put the index into the
// last six bytes: rollover counter and sequence number, or 31 bits of index.
func (g *gcm) nonce(sc *Scratch, ssrc uint32, index uint64) []byte {
	iv := sc.iv[:12]
	binary.BigEndian.PutUint64(iv[4:], index)
	iv[0], iv[1] = 0, 0
	binary.BigEndian.PutUint32(iv[2:], ssrc)
	for i, b := range &g.salt {
		iv[i] ^= b
	}
	return iv
}

// aad is the clear part, followed by the index word in SRTCP.
func aad(sc *Scratch, clear, rtcp []byte) []byte {
	if rtcp == nil {
		return clear
	}
	return append(append(sc.aad[:0], clear...), rtcp...)
}

func (g *gcm) seal(sc *Scratch, dst []byte, start int, body []byte, ssrc uint32, index uint64, rtcp []byte) []byte {
	return g.aead.Seal(dst, g.nonce(sc, ssrc, index), body, aad(sc, dst[start:], rtcp))
}

func (g *gcm) open(sc *Scratch, clear, body []byte, ssrc uint32, index uint64, rtcp []byte) ([]byte, error) {
	plain, err := g.aead.Open(body[:0], g.nonce(sc, ssrc, index), body, aad(sc, clear, rtcp))
	if err != nil {
		return nil, ErrAuth
	}
	return plain, nil
}
