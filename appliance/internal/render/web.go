package render

import (
	"slices"
	"strconv"

	"meetbox.local/appliance/internal/certs"
)

type webFile struct {
	HTTPS       string   `json:"https"`
	HTTP        string   `json:"http"`
	Admin       string   `json:"admin,omitempty"`
	Site        *pair    `json:"site,omitempty"`
	Certificate string   `json:"certificate"`
	Key         string   `json:"key"`
	CA          string   `json:"ca"`
	Names       []string `json:"names"`
	HTTPSPort   int      `json:"https_port"`
	Domain      string   `json:"domain"`
	MUCDomain   string   `json:"muc_domain"`
	FocusDomain string   `json:"focus_domain"`
	GuestDomain string   `json:"guest_domain,omitempty"` // where guests log in; empty: where all do
	Captive     bool     `json:"captive,omitempty"`
	Frames      []string `json:"frames,omitempty"`     // origins whose pages may show a meeting
	FileBytes   int64    `json:"file_bytes,omitempty"` // of one file that is shared
	Directory   bool     `json:"directory,omitempty"`  // its people sign in to begin meetings
}

type pair struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

func web(in Input) webFile {
	var site *pair
	names := slices.Clone(in.Names)
	for _, a := range in.Addresses {
		names = append(names, a.String())
	}
	if in.Site != nil {
		site = &pair{in.tls("site.crt"), in.tls("site.key")}
		for _, n := range certs.Names(*in.Site) {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	admin := ""
	if in.AdminPort != 0 {
		admin = ":" + strconv.Itoa(in.AdminPort)
	}
	guests := ""
	if in.Rooms.Create != "" {
		guests = guestDomain
	}
	return webFile{
		GuestDomain: guests,
		Site:        site,
		Captive:     in.Captive,
		Frames:      in.Rooms.Frames,
		FileBytes:   int64(in.Rooms.Files.MaxMB) << 20,
		Directory:   in.Hosts && in.Rooms.Create != "",
		Admin:       admin,
		HTTPS:       ":" + strconv.Itoa(in.HTTPSPort),
		HTTP:        ":" + strconv.Itoa(in.HTTPPort),
		Certificate: in.tls("web.crt"),
		Key:         in.tls("web.key"),
		CA:          in.tls("ca.crt"),
		Names:       names,
		HTTPSPort:   in.HTTPSPort,
		Domain:      Domain,
		MUCDomain:   mucDomain,
		FocusDomain: focusDomain,
	}
}
