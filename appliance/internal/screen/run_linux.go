package screen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lookEvery = time.Second

	terminal = 8 // the virtual terminal that is ours; the kernel writes to the first

	vtActivate   = 0x5606 // linux/vt.h
	vtWaitActive = 0x5607
)

// menuTime is how long the menu stays without a key: then the page is for
// whoever comes by again.
const menuTime = 5 * time.Minute

// Run shows what look returns until ctx ends, and the menu while somebody uses
// the keyboard; do may be nil, then there is no menu. A terminal that is not
// there is left out.
func Run(ctx context.Context, look func(context.Context) Page, do Actions, log *slog.Logger) {
	monitor, err := openMonitor()
	if err != nil {
		log.Info("no monitor", "err", err)
	} else {
		defer monitor.Close()
	}
	serial, err := openSerial()
	if err != nil {
		log.Info("no serial line", "err", err)
	} else {
		defer serial.Close()
	}
	// Keys come in while the page is looked up and drawn; whoever reads them
	// ends when its terminal is closed.
	keys := make(chan byte)
	var wg sync.WaitGroup
	if do != nil {
		for _, f := range []*os.File{monitor, serial} {
			if f != nil && raw(f) == nil {
				wg.Go(func() { readKeys(ctx, f, keys) })
			}
		}
	}
	menu := NewMenu(do)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	used := time.Now()
	shown := map[*os.File]string{}
	draw := func(f *os.File, text, begin string) {
		if f != nil && shown[f] != text {
			shown[f] = text
			show(log, f, begin+strings.ReplaceAll(text, "\n", "\r\n"))
		}
	}
	for ctx.Err() == nil {
		if menu.Open() && time.Since(used) > menuTime {
			menu.Close()
		}
		onMonitor, onSerial := menu.Text(), menu.Text()
		if !menu.Open() {
			p := look(ctx)
			onMonitor = Text(p, true)
			p.Clock = time.Time{} // what is kept of the serial line need not have each minute
			onSerial = Text(p, false)
		}
		draw(monitor, onMonitor, "\x1b[2J\x1b[H")
		draw(serial, onSerial, "")
		select {
		case <-ctx.Done():
		case k := <-keys:
			used = time.Now()
			menu.Key(k)
		case <-tick.C:
		}
	}
	for _, f := range []*os.File{monitor, serial} {
		if f != nil {
			if err := f.SetReadDeadline(time.Now()); err != nil {
				f.Close()
			}
		}
	}
	wg.Wait()
}

func show(log *slog.Logger, f *os.File, text string) {
	if err := f.SetWriteDeadline(time.Now().Add(5 * lookEvery)); err != nil {
		log.Debug("screen", "err", err) // then it may take as long as it takes
	}
	if _, err := f.WriteString(text); err != nil {
		log.Debug("screen", "err", err)
	}
}

// readKeys passes on what is typed until the terminal has no more, as when its
// deadline has come.
func readKeys(ctx context.Context, f *os.File, keys chan<- byte) {
	b := make([]byte, 64)
	for {
		n, err := f.Read(b)
		for _, k := range b[:n] {
			// Arrows and the like begin with an escape too; what follows at once
			// belongs to it.
			if k == escape && n > 1 {
				break
			}
			select {
			case keys <- k:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// control calls f with the terminal's number, which stays one that can be
// waited for.
func control(t *os.File, f func(fd int) error) error {
	c, err := t.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	return errors.Join(c.Control(func(fd uintptr) { ferr = f(int(fd)) }), ferr)
}

// raw has the terminal pass on each key at once, without showing it.
func raw(t *os.File) error {
	return control(t, func(fd int) error {
		mode, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		mode.Lflag &^= unix.ICANON | unix.ECHO | unix.ISIG
		mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
		return unix.IoctlSetTermios(fd, unix.TCSETS, mode)
	})
}

// debugShell is in images for developers, which have the serial line's
// keyboard.
const debugShell = "/bin/busybox"

func openSerial() (*os.File, error) {
	flags := os.O_RDWR
	if _, err := os.Stat(debugShell); err == nil {
		flags = os.O_WRONLY
	}
	return os.OpenFile("/dev/ttyS0", flags|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
}

func openMonitor() (*os.File, error) {
	f, err := os.OpenFile(fmt.Sprintf("/dev/tty%d", terminal), os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	for _, request := range []uint{vtActivate, vtWaitActive} {
		if err := control(f, func(fd int) error { return unix.IoctlSetInt(fd, request, terminal) }); err != nil {
			f.Close()
			return nil, fmt.Errorf("show terminal %d: %w", terminal, err)
		}
	}
	// Clear, hide the cursor, never go dark.
	if _, err := f.WriteString("\x1b[2J\x1b[?25l\x1b[9;0]"); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
