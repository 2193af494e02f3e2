// Package trust writes what a device takes to trust the box: the
// certificate authority as a configuration profile of Apple's devices, and
// the fingerprint by which a person compares it.
//
// Pure functions of the authority's certificates.
package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
)

// certificates returns the certificates of a PEM file.
func certificates(file []byte) [][]byte {
	var out [][]byte
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			out = append(out, block.Bytes)
		}
	}
	return out
}

// Fingerprint is the SHA-256 of the file's first certificate, as people
// compare it: upper case hexadecimal with colons. It is empty without one.
func Fingerprint(file []byte) string {
	all := certificates(file)
	if len(all) == 0 {
		return ""
	}
	sum := sha256.Sum256(all[0])
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// Profile returns a configuration profile (.mobileconfig) that brings the
// certificates of a PEM file as roots. Its identifiers come from their
// content: installing the same one twice replaces the first.
func Profile(file []byte) []byte {
	var b bytes.Buffer
	all := certificates(file)
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>PayloadContent</key>
	<array>
`)
	for _, der := range all {
		id := uuid("certificate", der)
		fmt.Fprintf(&b, `		<dict>
			<key>PayloadCertificateFileName</key><string>meetbox-ca.cer</string>
			<key>PayloadContent</key>
			<data>%s</data>
			<key>PayloadDescription</key><string>Lets this device trust the box.</string>
			<key>PayloadDisplayName</key><string>Meetbox authority</string>
			<key>PayloadIdentifier</key><string>local.meetbox.ca.%s</string>
			<key>PayloadType</key><string>com.apple.security.root</string>
			<key>PayloadUUID</key><string>%s</string>
			<key>PayloadVersion</key><integer>1</integer>
		</dict>
`, base64.StdEncoding.EncodeToString(der), id, id)
	}
	fmt.Fprintf(&b, `	</array>
	<key>PayloadDescription</key><string>Meetings on this box: picture and sound without warnings.</string>
	<key>PayloadDisplayName</key><string>Meetbox</string>
	<key>PayloadIdentifier</key><string>local.meetbox.trust</string>
	<key>PayloadRemovalDisallowed</key><false/>
	<key>PayloadType</key><string>Configuration</string>
	<key>PayloadUUID</key><string>%s</string>
	<key>PayloadVersion</key><integer>1</integer>
</dict>
</plist>
`, uuid("profile", bytes.Join(all, nil)))
	return b.Bytes()
}

// uuid is a name-based UUID (RFC 9562 §5.8) of a certificate.
func uuid(kind string, der []byte) string {
	sum := sha256.Sum256(append([]byte(kind+"\x00"), der...))
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	h := strings.ToUpper(hex.EncodeToString(u))
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
