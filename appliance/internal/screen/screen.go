// Package screen draws what a person in front of the box needs to see: how it
// is called, where to open it, and whether all of it runs.
//
// Text makes the page, without I/O. Run shows it on the box's terminals: on a
// monitor (a virtual terminal of its own, so that messages of the kernel
// cannot write over it) the page stands still and is drawn anew when it
// changes; on a serial line, where it may be kept in a log, a changed page is
// appended without colours.
package screen

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"meetbox.local/appliance/api"
	"rsc.io/qr"
)

// Page is what is shown.
type Page struct {
	Status api.Status
	Health api.Health
	Disk   int64    // bytes for what is stored; 0: not known
	Notes  []string // what is wrong

	Clock    time.Time   // zero: not shown
	Update   *api.Update // under way
	Install  *api.Install
	Keyboard bool // there is a menu
}

// quiet is the light border that scanners ask for, in modules.
const quiet = 4

// Text is the page; colour makes the QR code black on white whatever the
// terminal's colours are.
func Text(p Page, colour bool) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("")
	line("  MEETBOX")
	line("")
	switch {
	case len(p.Status.Names) == 0 && len(p.Notes) > 0:
		line("  This box cannot serve meetings now; the note below says why.")
	case p.Status.Scan == "":
		line("  Waiting for the network: plug in a cable to a network with a DHCP server.")
	default:
		line("  Open this address on a computer or phone in the same network:")
		line("")
		for _, url := range p.Status.URLs {
			if url != "https://localhost" {
				line("      %s", url)
			}
		}
		line("")
		b.WriteString(code(p.Status.Scan, colour))
		line("")
		line("  Devices warn until they trust this box: %s", p.Status.Authority)
		if p.Status.SetupCode != "" {
			line("")
			line("  To become its owner, open the console. Setup code: %s", p.Status.SetupCode)
		}
	}
	line("")
	line("  name       %s", first(p.Status.Names))
	line("  addresses  %s", join(p.Status.Addresses))
	if len(p.Status.Console) > 0 {
		line("  console    %s", p.Status.Console[0])
	}
	line("  version    %s", p.Status.Version)
	line("  state      %s", state(p.Health))
	for _, s := range p.Health.Services {
		if !s.OK {
			line("             %s: %s", s.Name, s.Detail)
		}
	}
	if p.Disk > 0 {
		line("  disk       %d MiB", p.Disk>>20)
	}
	if !p.Clock.IsZero() {
		line("  clock      %s", p.Clock.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if u := p.Update; u != nil && u.Phase != api.UpdateIdle {
		line("  update     %s", progress(u.Phase.String(), u.Done, u.Total))
	}
	switch i := p.Install; {
	case i == nil:
	case i.Phase != api.InstallIdle:
		line("  install    %s", installing(*i))
	case i.Stick && slices.ContainsFunc(i.Disks, func(d api.InstallDisk) bool { return d.Refused == "" }):
		line("  stick      the box runs from it; to install it to a disk of this machine: M, then 3")
	}
	for _, n := range p.Notes {
		line("  note       %s", n)
	}
	if p.Keyboard {
		line("")
		line("  Keyboard: M for network rescue, install to a disk, factory reset.")
	}
	return b.String()
}

// progress is in tens of percent: each change is drawn, and on a serial line
// kept.
func progress(phase string, done, total int64) string {
	if total <= 0 {
		return phase
	}
	return fmt.Sprintf("%s, %d %%", phase, done*10/total*10)
}

func installing(i api.Install) string {
	switch i.Phase {
	case api.InstallDone:
		return "done on " + i.Disk + ": take out the stick, then restart"
	case api.InstallFailed:
		return "failed on " + i.Disk + ": " + i.Error
	}
	return progress("writing to "+i.Disk, i.Done, i.Total)
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

func join(addrs []netip.Addr) string {
	var out []string
	for _, a := range addrs {
		if !a.IsLoopback() {
			out = append(out, a.String())
		}
	}
	if len(out) == 0 {
		return "none yet"
	}
	return strings.Join(out, ", ")
}

// state names every service, so that a log of the serial line shows each.
func state(h api.Health) string {
	if len(h.Services) == 0 {
		return "starting"
	}
	var out []string
	for _, s := range h.Services {
		word := "ok"
		if !s.OK {
			word = "NOT WELL"
		}
		out = append(out, s.Name+" "+word)
	}
	return strings.Join(out, ", ")
}

// code draws the text as a QR code, two modules per character.
func code(text string, colour bool) string {
	c, err := qr.Encode(text, qr.L)
	if err != nil {
		return "" // too long for a code; the text is shown beside it anyway
	}
	on, off := "", ""
	if colour {
		on, off = "\x1b[30;47m", "\x1b[0m"
	}
	var b strings.Builder
	for y := -quiet; y < c.Size+quiet; y += 2 {
		b.WriteString("      " + on)
		for x := -quiet; x < c.Size+quiet; x++ {
			top, bottom := c.Black(x, y), c.Black(x, y+1)
			if !colour { // on a dark terminal what is printed is light
				top, bottom = !top, !bottom
			}
			switch {
			case top && bottom:
				b.WriteString("█")
			case top:
				b.WriteString("▀")
			case bottom:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString(off + "\n")
	}
	return b.String()
}
