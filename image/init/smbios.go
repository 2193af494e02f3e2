package main

import (
	"os"
	"strings"
)

// smbiosTables is where the kernel shows what the firmware says of the
// machine. Under a virtual machine's firmware its owner may add texts, as in
// "qemu -smbios type=11,value=meetbox:MEETBOX_MEDIA_ADDRS=192.0.2.1": the same
// settings as in the file, for machines whose disk nobody takes in hand.
const smbiosTables = "/sys/firmware/dmi/tables/DMI"

const ownerTexts = 11 // type of a structure, SMBIOS specification 7.12

func readSMBIOS() (string, error) {
	b, err := os.ReadFile(smbiosTables)
	if err != nil {
		return "", err
	}
	var lines []string
	for _, text := range parseSMBIOS(b) {
		if line, ok := strings.CutPrefix(text, "meetbox:"); ok {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n"), nil
}

// parseSMBIOS returns the texts that the machine's owner added. Each structure
// is its type, its length, that many bytes in all, and texts that end in a
// zero each; one more zero ends them.
func parseSMBIOS(b []byte) (texts []string) {
	for len(b) >= 4 {
		kind, n := b[0], int(b[1])
		if n < 4 || n > len(b) {
			return texts
		}
		body, _, ok := strings.Cut(string(b[n:]), "\x00\x00")
		if !ok {
			return texts
		}
		if kind == ownerTexts {
			texts = append(texts, strings.Split(body, "\x00")...)
		}
		b = b[n+len(body)+2:]
	}
	return texts
}
