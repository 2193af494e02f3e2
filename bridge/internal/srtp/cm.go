package srtp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"hash"
	"sync"
)

// cm is AES128_CM_HMAC_SHA1_80.
type cm struct {
	block cipher.Block
	salt  [14]byte

	mu  sync.Mutex // guards mac: a Sender has many users; they rarely meet
	mac hash.Hash
}

func newCM(key, salt, auth []byte) (*cm, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	c := &cm{block: block, mac: hmac.New(sha1.New, auth)}
	copy(c.salt[:], salt)
	return c, nil
}

// stream is the key stream of RFC 3711 §4.1.1.
func (c *cm) stream(sc *Scratch, ssrc uint32, index uint64) cipher.Stream {
	iv := &sc.iv
	binary.BigEndian.PutUint32(iv[0:], 0)
	binary.BigEndian.PutUint64(iv[8:], index<<16)
	binary.BigEndian.PutUint32(iv[4:], ssrc)
	for i, b := range &c.salt {
		iv[i] ^= b
	}
	return cipher.NewCTR(c.block, iv[:])
}

// sum is the tag over the parts and, in SRTP, the rollover counter; in SRTCP
// the index word takes its place (RFC 3711 §4.2).
func (c *cm) sum(sc *Scratch, clear, body []byte, index uint64, rtcp []byte) []byte {
	if rtcp == nil {
		binary.BigEndian.PutUint32(sc.roc[:], uint32(index>>16))
		rtcp = sc.roc[:]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mac.Reset()
	c.mac.Write(clear)
	c.mac.Write(body)
	c.mac.Write(rtcp)
	return c.mac.Sum(sc.mac[:0])[:CM80.tag()]
}

func (c *cm) seal(sc *Scratch, dst []byte, start int, body []byte, ssrc uint32, index uint64, rtcp []byte) []byte {
	n := len(dst)
	dst = append(dst, body...)
	c.stream(sc, ssrc, index).XORKeyStream(dst[n:], dst[n:])
	return append(dst, c.sum(sc, dst[start:n], dst[n:], index, rtcp)...)
}

func (c *cm) open(sc *Scratch, clear, body []byte, ssrc uint32, index uint64, rtcp []byte) ([]byte, error) {
	n := len(body) - CM80.tag()
	if !hmac.Equal(c.sum(sc, clear, body[:n], index, rtcp), body[n:]) {
		return nil, ErrAuth
	}
	c.stream(sc, ssrc, index).XORKeyStream(body[:n], body[:n])
	return body[:n], nil
}
