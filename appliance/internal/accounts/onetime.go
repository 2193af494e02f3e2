package accounts

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"

	"meetbox.local/appliance/api"
)

// One-time codes as every authenticator makes them: RFC 6238 with SHA-1, 30
// seconds and six digits.
const stepTime = 30

var keyText = base32.StdEncoding.WithPadding(base32.NoPadding)

func newKey(box, name string) api.OneTimeKey {
	raw := make([]byte, 20)
	rand.Read(raw)
	k := keyText.EncodeToString(raw)
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + box + ":" + name, RawQuery: url.Values{"secret": {k}, "issuer": {box}}.Encode()}
	return api.OneTimeKey{Key: k, URL: u.String()}
}

// codeStep is the step of time that the code is of: now, or one to either
// side; each counts once.
func codeStep(key, code string, now time.Time, last int64) (step int64, ok bool) {
	raw, err := keyText.DecodeString(key)
	if err != nil {
		return 0, false
	}
	code = digits(code)
	for _, s := range []int64{0, -1, 1} {
		step := now.Unix()/stepTime + s
		if step > last && subtle.ConstantTimeCompare([]byte(code), []byte(oneTime(raw, step))) == 1 {
			return step, true
		}
	}
	return 0, false
}

func oneTime(key []byte, step int64) string {
	h := hmac.New(sha1.New, key)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}
