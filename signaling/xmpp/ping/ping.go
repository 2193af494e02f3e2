// Package ping holds the application-level ping (XEP-0199). Data only.
package ping

import "encoding/xml"

// NS is the namespace of pings.
const NS = "urn:xmpp:ping"

// Ping asks whether the other side is there; the answer is an empty result.
type Ping struct {
	XMLName xml.Name `xml:"urn:xmpp:ping ping"`
}
