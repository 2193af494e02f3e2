package srtp

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
)

// Profile is a protection profile, by its number in DTLS's use_srtp extension.
type Profile uint16

const (
	CM80   Profile = 0x0001 // AES128_CM_HMAC_SHA1_80
	GCM128 Profile = 0x0007 // AEAD_AES_128_GCM
)

func (p Profile) String() string {
	switch p {
	case CM80:
		return "AES128_CM_HMAC_SHA1_80"
	case GCM128:
		return "AEAD_AES_128_GCM"
	}
	return fmt.Sprintf("SRTP profile %#04x", uint16(p))
}

// KeySize and SaltSize are the lengths of the master key and salt.
const KeySize = 16

// SaltSize is the length of the master salt.
func (p Profile) SaltSize() int {
	if p == GCM128 {
		return 12
	}
	return 14
}

// tag is the length of the authentication tag, the same for SRTP and SRTCP.
func (p Profile) tag() int {
	if p == GCM128 {
		return 16
	}
	return 10
}

const (
	// Overhead is the most that protection adds to an RTP packet.
	Overhead = 16
	// OverheadRTCP is the most it adds to a compound: tag and index.
	OverheadRTCP = Overhead + indexSize

	indexSize  = 4         // E flag and SRTCP index
	encrypted  = 1 << 31   // the E flag
	maxIndex   = 1<<31 - 1 // of SRTCP; the keys are used up after it
	minRTP     = 12        // fixed header
	minRTCP    = 8         // fixed header with the sender's SSRC, which stays readable
	maxPackets = 1<<48 - 1 // of one SSRC under one key
	labelSpan  = 3         // labels 0..2 are SRTP's, 3..5 SRTCP's
)

// Errors of opening and sealing.
var (
	ErrMalformed = errors.New("malformed packet")
	ErrReplayed  = errors.New("packet was seen before or is too old")
	ErrAuth      = errors.New("authentication failed")
	ErrExhausted = errors.New("keys are used up")
	errKeys      = errors.New("master key or salt has the wrong length")
)

// Keys are one direction's master key and salt.
type Keys struct {
	Profile   Profile
	Key, Salt []byte
}

// derive is RFC 3711 §4.3.1 with a key derivation rate of zero.
func (k Keys) derive(label byte, n int) ([]byte, error) {
	block, err := aes.NewCipher(k.Key)
	if err != nil {
		return nil, err
	}
	var iv [aes.BlockSize]byte
	copy(iv[:], k.Salt) // a 96-bit salt counts as shifted left by 16 (RFC 7714 §11)
	iv[7] ^= label
	out := make([]byte, n)
	cipher.NewCTR(block, iv[:]).XORKeyStream(out, out)
	return out, nil
}

// transform makes the session keys of SRTP (label 0) or SRTCP (label 3).
func (k Keys) transform(label byte) (transform, error) {
	if len(k.Key) != KeySize || len(k.Salt) != k.Profile.SaltSize() {
		return nil, errKeys
	}
	key, err := k.derive(label, KeySize)
	if err != nil {
		return nil, err
	}
	salt, err := k.derive(label+2, k.Profile.SaltSize())
	if err != nil {
		return nil, err
	}
	switch k.Profile {
	case GCM128:
		return newGCM(key, salt)
	case CM80:
		auth, err := k.derive(label+1, 20)
		if err != nil {
			return nil, err
		}
		return newCM(key, salt, auth)
	}
	return nil, fmt.Errorf("%v is not supported", k.Profile)
}

// transform protects under one session key. clear is what stays readable but
// is authenticated; rtcp is nil for SRTP, else SRTCP's index word.
type transform interface {
	// seal appends the protected body and the tag to dst, whose whole
	// contents from start on are the clear part.
	seal(sc *Scratch, dst []byte, start int, body []byte, ssrc uint32, index uint64, rtcp []byte) []byte
	// open decrypts body (with its tag) in place and returns the plain part.
	open(sc *Scratch, clear, body []byte, ssrc uint32, index uint64, rtcp []byte) ([]byte, error)
}

// Scratch is memory that sealing needs and a goroutine keeps, because what is
// handed to the ciphers behind interfaces would otherwise be allocated.
type Scratch struct {
	iv  [16]byte
	roc [4]byte
	aad [minRTCP + indexSize]byte
	mac [20]byte
}
