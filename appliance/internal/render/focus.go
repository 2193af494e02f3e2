package render

import (
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

type focusFile struct {
	XMPP        login  `json:"xmpp"`
	Domain      string `json:"domain"`
	MUCDomain   string `json:"muc_domain"`
	FocusDomain string `json:"focus_domain"`
	Brewery     string `json:"brewery"`

	Rules api.RoomMedia `json:"rules,omitzero"` // by the names that the settings have, too
}

// login is how focus and bridge reach signaling.
type login struct {
	Address  string       `json:"address"`
	Domain   string       `json:"domain"`
	User     string       `json:"user"`
	Password state.Secret `json:"password"`
	Resource string       `json:"resource"`
	CA       string       `json:"ca"`
}

func focus(in Input) focusFile {
	return focusFile{
		XMPP:        in.login(in.Focus, "focus"),
		Domain:      Domain,
		MUCDomain:   mucDomain,
		FocusDomain: focusDomain,
		Brewery:     brewery,
		Rules:       in.Rooms.Media,
	}
}

func (in Input) login(a state.Account, resource string) login {
	return login{
		Address:  in.xmppAddress(),
		Domain:   AuthDomain,
		User:     a.User,
		Password: a.Password,
		Resource: resource,
		CA:       in.tls("ca.crt"),
	}
}
