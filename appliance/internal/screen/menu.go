package screen

import (
	"fmt"
	"strings"

	"meetbox.local/appliance/api"
)

// Actions are what a person with a keyboard at the box may do when the network
// is of no help. All of them are for whoever has the machine in hand, who could
// take its disk out as well.
type Actions interface {
	Network() api.NetworkStatus
	Install() api.Install
	BeginInstall(api.InstallRequest) error
	Do(Act) error
}

// Act is something that restarts the machine, or turns it off; but NewCode.
type Act int

// The acts.
const (
	DHCP    Act = iota + 1 // forget the network settings
	Reset                  // forget everything
	Restart                // change nothing
	TurnOff
	NewCode // show a setup code, for owners who lost their passwords
)

// view is a page of the menu.
type view int

const (
	status view = iota // not in the menu
	top
	cards
	disks
	words // waiting for a word
	last  // waiting for one more key
	told  // what became of it
)

// Menu is what a keyboard leads through. Its methods are called by one
// goroutine.
type Menu struct {
	do Actions

	view  view
	act   Act
	disk  api.InstallDisk
	word  string // to be typed
	typed string
	text  string // what became of it
}

// NewMenu returns a menu that is closed.
func NewMenu(do Actions) *Menu { return &Menu{do: do} }

// Open says whether the menu takes the place of the status page.
func (m *Menu) Open() bool { return m.view != status }

// Close leaves the menu.
func (m *Menu) Close() { *m = Menu{do: m.do} }

const (
	escape    = 0x1b
	backspace = 0x08
	rubout    = 0x7f
)

// Key takes one key.
func (m *Menu) Key(k byte) {
	if k == escape {
		m.Close()
		return
	}
	switch m.view {
	case status:
		if k == 'm' || k == 'M' {
			m.view = top
		}
	case top:
		m.choose(k)
	case cards, told:
		m.Close()
		m.view = top
	case disks:
		m.pick(k)
	case words:
		m.letter(k)
	case last:
		if k == 'y' || k == 'Y' {
			m.begin()
		} else {
			m.say("Nothing was changed.")
		}
	}
}

func (m *Menu) choose(k byte) {
	ask := func(a Act, word string) { m.view, m.act, m.word, m.typed = words, a, word, "" }
	switch k {
	case '1':
		m.view = cards
	case '2':
		ask(DHCP, "dhcp")
	case '3':
		m.view = disks
	case '4':
		ask(Reset, "reset")
	case '5':
		ask(Restart, "restart")
	case '6':
		ask(TurnOff, "off")
	case '7':
		ask(NewCode, "code")
	}
}

func (m *Menu) pick(k byte) {
	list := m.do.Install().Disks
	i := int(k) - '1'
	if i < 0 || i >= len(list) {
		return
	}
	if list[i].Refused != "" {
		m.say(list[i].Refused)
		return
	}
	m.disk, m.act, m.view, m.word, m.typed = list[i], 0, words, "erase "+list[i].Name, ""
}

func (m *Menu) letter(k byte) {
	switch {
	case k == '\r' || k == '\n':
		if m.typed != m.word {
			m.say("That was another word. Nothing was changed.")
		} else if m.act == 0 || m.act == Reset {
			m.view = last // what cannot be undone is asked twice
		} else {
			m.begin()
		}
	case (k == backspace || k == rubout) && m.typed != "":
		m.typed = m.typed[:len(m.typed)-1]
	case k >= ' ' && k < rubout && len(m.typed) < 40:
		m.typed += strings.ToLower(string(rune(k)))
	}
}

func (m *Menu) begin() {
	var err error
	if m.act == 0 {
		err = m.do.BeginInstall(api.InstallRequest{Disk: m.disk.Name, Confirm: m.disk.Confirm})
	} else {
		err = m.do.Do(m.act)
	}
	switch {
	case err != nil:
		m.say("That did not work: " + err.Error())
	case m.act == 0, m.act == NewCode:
		m.Close() // the status page shows how far it is, or the code
	default:
		m.say("The machine stops now.")
	}
}

func (m *Menu) say(text string) {
	m.Close()
	m.view, m.text = told, text
}

// Text is the menu's page.
func (m *Menu) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	b.WriteString("\n  MEETBOX: RESCUE\n\n")
	switch m.view {
	case top:
		line("1  network cards and their addresses")
		line("2  forget the network settings: ask by DHCP again, and restart")
		line("3  install onto another disk of this machine")
		line("4  factory reset: forget everything, and restart")
		line("5  restart")
		line("6  turn off")
		line("7  new setup code: for owners who lost their passwords")
		line("")
		line("Press a number. Esc leads back to the status page.")
	case cards:
		m.cards(line)
		line("")
		line("Press any key.")
	case disks:
		list := m.do.Install().Disks
		for i, d := range list {
			line("%d  %s  %s  %.1f GB  %s", i+1, d.Name, d.Model, float64(d.Size)/1e9, d.Refused)
		}
		if len(list) == 0 {
			line("There is no other disk in this machine.")
		} else {
			line("")
			line("Press a number. Everything on that disk will be lost.")
		}
		line("Esc leads back to the status page.")
	case words:
		if m.act == 0 {
			line("Everything on %s (%s, %.1f GB) will be lost.", m.disk.Name, m.disk.Model, float64(m.disk.Size)/1e9)
		}
		if m.act == Reset {
			line("All accounts, settings and certificates will be lost.")
		}
		line("Type  %s  and press Enter. Esc leads back.", m.word)
		line("")
		line("> %s_", m.typed)
	case last:
		if m.act == 0 {
			line("Really erase %s, %s, %.1f GB?", m.disk.Name, m.disk.Model, float64(m.disk.Size)/1e9)
		} else {
			line("Really forget everything that is on this box?")
		}
		line("Press Y for yes, anything else for no.")
	case told:
		line("%s", m.text)
		line("")
		line("Press any key.")
	}
	return b.String()
}

func (m *Menu) cards(line func(string, ...any)) {
	for _, p := range m.do.Network().Ports {
		cable := "no cable"
		if p.Cable {
			cable = "cable"
			if p.Mbits > 0 {
				cable = fmt.Sprintf("%d Mbit/s", p.Mbits)
			}
		}
		line("%s  %s  %s  %s", p.Name, p.Card, p.Role, cable)
		for _, a := range p.Addresses {
			line("    %s", a)
		}
		if l := p.Lease; l != nil {
			line("    lent by %s until %s", l.Server, l.Until.UTC().Format("2006-01-02 15:04"))
		}
		for _, problem := range p.Problems {
			line("    %s", problem)
		}
	}
}
