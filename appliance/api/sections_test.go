package api

import (
	"encoding/json"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// Each wrong field is named, and nothing else.
func TestNetworkSections(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, section, text string
		wrong               []string
	}{
		{"nothing", "network", `{}`, nil},
		{"plain", "network", `{"ports":[{"card":"eth0"}]}`, nil},
		{"static", "network", `{"ports":[{"card":"02:00:5E:10:00:01","ipv4":{"mode":"static","address":"192.0.2.7/24","gateway":"192.0.2.1"},"ipv6":{"mode":"static","addresses":["2001:db8::7/64"],"gateway":"fe80::1"}}],"dns":["192.0.2.1"]}`, nil},
		{"island", "network", `{"ports":[{"card":"eth1","role":"island","ipv4":{"address":"10.77.0.1/24"}}]}`, nil},
		{"VLANs", "network", `{"ports":[{"card":"eth0","vlan":5},{"card":"eth0"},{"card":"eth0","vlan":6,"role":"off"}]}`, nil},
		{"point to point", "network", `{"ports":[{"card":"eth0","ipv4":{"mode":"static","address":"192.0.2.0/31","gateway":"192.0.2.1"}}]}`, nil},
		{"no card", "network", `{"ports":[{}]}`, []string{"ports.0.card"}},
		{"bad names", "network", `{"ports":[{"card":"lo"},{"card":"../x"},{"card":"a b"},{"card":"02:00"}]}`, []string{"ports.0.card", "ports.1.card", "ports.2.card", "ports.3.card"}},
		{"numbers", "network", `{"ports":[{"card":"eth0","vlan":4095,"mtu":70}]}`, []string{"ports.0.mtu", "ports.0.vlan"}},
		{"twice", "network", `{"ports":[{"card":"eth0"},{"card":"ETH0"}]}`, []string{"ports.1.card"}},
		{"one address twice", "network", `{"ports":[{"card":"a","ipv4":{"mode":"static","address":"192.0.2.7/24"}},{"card":"b","ipv4":{"mode":"static","address":"192.0.2.7/25"}}]}`, []string{"ports.1.card"}},
		{"unknown words", "network", `{"ports":[{"card":"a","role":"x"},{"card":"b","ipv4":{"mode":"slaac"},"ipv6":{"mode":"dhcp"}}]}`, []string{"ports.0.role", "ports.1.ipv4.mode", "ports.1.ipv6.mode"}},
		{"the network itself", "network", `{"ports":[{"card":"a","ipv4":{"mode":"static","address":"192.0.2.0/24"}},{"card":"b","ipv4":{"mode":"static","address":"192.0.2.255/24"}}]}`, []string{"ports.0.ipv4.address", "ports.1.ipv4.address"}},
		{"no machine's address", "network", `{"ports":[{"card":"a","ipv4":{"mode":"static","address":"127.0.0.1/8"}},{"card":"b","ipv4":{"mode":"static","address":"224.0.0.1/24"}},{"card":"c","ipv6":{"mode":"static","addresses":["fe80::1/64","::1/128"]}}]}`, []string{"ports.0.ipv4.address", "ports.1.ipv4.address", "ports.2.ipv6.addresses.0", "ports.2.ipv6.addresses.1"}},
		{"families mixed up", "network", `{"ports":[{"card":"a","ipv4":{"mode":"static","address":"2001:db8::7/64"},"ipv6":{"mode":"static","addresses":["192.0.2.7/24"]}}]}`, []string{"ports.0.ipv4.address", "ports.0.ipv6.addresses.0"}},
		{"static without an address", "network", `{"ports":[{"card":"a","ipv4":{"mode":"static"},"ipv6":{"mode":"static"}}]}`, []string{"ports.0.ipv4.address", "ports.0.ipv6.addresses"}},
		{"gateways", "network", `{"ports":[{"card":"a","ipv4":{"mode":"static","address":"192.0.2.7/24","gateway":"198.51.100.1"}},{"card":"b","ipv4":{"mode":"static","address":"192.0.2.8/24","gateway":"192.0.2.8"}},{"card":"c","ipv6":{"mode":"static","addresses":["2001:db8::7/64"],"gateway":"2001:db9::1"}}]}`, []string{"ports.0.ipv4.gateway", "ports.1.ipv4.gateway", "ports.2.ipv6.gateway"}},
		{"an address with DHCP", "network", `{"ports":[{"card":"a","ipv4":{"address":"192.0.2.7/24"},"ipv6":{"gateway":"fe80::1"}}]}`, []string{"ports.0.ipv4.mode", "ports.0.ipv6.mode"}},
		{"island with DHCP or a gateway", "network", `{"ports":[{"card":"a","role":"island","ipv4":{"mode":"dhcp"}},{"card":"b","role":"island","ipv4":{"address":"10.0.0.1/24","gateway":"10.0.0.2"}}]}`, []string{"ports.0.ipv4.mode", "ports.1.ipv4.gateway"}},
		{"DNS", "network", `{"dns":["0.0.0.0","192.0.2.1","192.0.2.2","192.0.2.3"]}`, []string{"dns", "dns.0"}},
		{"small MTU with IPv6", "network", `{"ports":[{"card":"a","mtu":1000}]}`, []string{"ports.0.mtu"}},
		{"names", "names", `{"host":"office-box","extra":["meet.example.org"]}`, nil},
		{"bad names", "names", `{"host":"a.b","extra":["UP","10.0.0.1","x.local"]}`, []string{"extra.0", "extra.1", "extra.2", "host"}},
		{"clock", "clock", `{"ntp":["ntp.example.org","192.0.2.1","2001:db8::1"]}`, nil},
		{"bad clock", "clock", `{"ntp":["a b","0.0.0.0",""]}`, []string{"ntp.0", "ntp.1", "ntp.2"}},
		{"pool", "island", `{"first":"10.0.0.10","last":"10.0.0.20","lease_minutes":60}`, nil},
		{"bad pool", "island", `{"first":"10.0.0.10","last":"10.0.0.2","lease_minutes":1}`, []string{"last", "lease_minutes"}},
		{"frames", "rooms", `{"frames":["https://intranet.example","http://10.0.0.5:8000"]}`, nil},
		{"bad frames", "rooms", `{"frames":["*","https://a.example/","https://a.example; script-src *","intranet","'self'"]}`, []string{"frames.0", "frames.1", "frames.2", "frames.3", "frames.4"}},
		{"media", "rooms", `{"media":{"codecs":["VP9","VP8"],"last_n":20,"audio_senders":50,"video_senders":9,"start_audio_muted":10,"start_video_muted":5}}`, nil},
		{"bad media", "rooms", `{"media":{"codecs":["vp8","AV1","AV1"],"last_n":-1,"video_senders":5000}}`, []string{"media.codecs", "media.codecs.0", "media.codecs.2", "media.last_n", "media.video_senders"}},
		{"loudest voices", "rooms", `{"loudest_voices":3}`, nil},
		{"less than none of them", "rooms", `{"loudest_voices":-1}`, []string{"loudest_voices"}},
		{"branding", "branding", `{"name":"Harbour","accent":"#0a7d5C","welcome":"Good morning\nto all","links":[{"text":"Imprint","url":"https://intranet.example/imprint"},{"text":"Help","url":"mailto:help@office.example"}]}`, nil},
		{"bad branding", "branding", `{"name":"a\u0007","accent":"red; } *","links":[{"text":" ","url":"javascript:alert(1)"},{"text":"x","url":"https://me:secret@intranet.example/"},{"text":"x","url":"data:text/html,x"},{"text":"x","url":"//intranet.example"}],"logo":"PHN2Zy8+"}`, []string{"accent", "links.0.text", "links.0.url", "links.1.url", "links.2.url", "links.3.url", "logo", "name"}},
		{"half a pool", "island", `{"first":"fd00::1"}`, []string{"first", "last"}},
	}
	for _, tc := range tests {
		section := new(Settings).Sections()[tc.section]
		d := json.NewDecoder(strings.NewReader(tc.text))
		d.DisallowUnknownFields()
		if err := d.Decode(section); err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		fields, _ := errors.AsType[FieldErrors](section.Validate())
		if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, tc.wrong) {
			t.Errorf("%s: wrong are %v, want %v (%v)", tc.name, got, tc.wrong, fields)
		}
	}
}

func TestLast(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{
		"192.0.2.7/24": "192.0.2.255", "10.1.2.3/8": "10.255.255.255", "192.0.2.4/31": "192.0.2.5",
		"192.0.2.4/32": "192.0.2.4", "10.0.1.0/23": "10.0.1.255", "2001:db8::/126": "2001:db8::3",
	} {
		if got := Last(netip.MustParsePrefix(prefix)); got.String() != want {
			t.Errorf("Last(%s) = %s, want %s", prefix, got, want)
		}
	}
}
