package router

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"meetbox.local/signaling/internal/wire"
)

// credentialLife is how long TURN credentials can be used: a day, longer than
// any meeting.
const credentialLife = 24 * time.Hour

// Media is where clients find the bridge's STUN and TURN.
type Media struct {
	Secret string `json:"secret,omitempty"` // of the TURN server's credentials; empty: there is none
	TURN   int    `json:"turn,omitempty"`   // TCP port, with TLS and without
	STUN   int    `json:"stun,omitempty"`   // UDP port, of TURN as well; 0: there is none
}

// services lists the box's own STUN and TURN (XEP-0215), under the name by
// which the client found the box, and never somebody else's. Whoever came
// without a name is told none.
func (r *Router) services(s *Session) []byte {
	b := []byte(`<services xmlns="` + nsExtdisco + `">`)
	if m, host := r.config.Media, s.pass.Host; host != "" {
		host := wire.Escape(host)
		if m.STUN != 0 {
			b = fmt.Appendf(b, `<service type="stun" host="%s" port="%d" transport="udp"/>`, host, m.STUN)
		}
		if m.Secret != "" && m.TURN != 0 {
			user, password, until := m.credentials(r.now, s.num)
			relay := func(kind, transport string, port int) {
				b = fmt.Appendf(b, `<service type="%s" host="%s" port="%d" transport="%s" restricted="1" username="%s" password="%s" expires="%s"/>`,
					kind, host, port, transport, user, password, until.UTC().Format(time.RFC3339))
			}
			relay("turns", "tcp", m.TURN)
			relay("turn", "tcp", m.TURN)
			if m.STUN != 0 {
				relay("turn", "udp", m.STUN) // the media port is both
			}
		}
	}
	return append(b, "</services>"...)
}

// credentials are those of the TURN REST scheme, for one session.
func (m Media) credentials(now time.Time, session uint32) (user, password string, until time.Time) {
	until = now.Add(credentialLife).Truncate(time.Second)
	user = strconv.FormatInt(until.Unix(), 10) + ":" + strconv.FormatUint(uint64(session), 10)
	mac := hmac.New(sha1.New, []byte(m.Secret))
	mac.Write([]byte(user))
	return user, base64.StdEncoding.EncodeToString(mac.Sum(nil)), until
}
