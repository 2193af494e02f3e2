package screen

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lookEvery = time.Second

	terminal = 8 // the virtual terminal that is ours; the kernel writes to the first

	vtActivate   = 0x5606 // linux/vt.h
	vtWaitActive = 0x5607
)

// Run shows what look returns until ctx ends. A terminal that is not there is
// left out.
func Run(ctx context.Context, look func(context.Context) Page, log *slog.Logger) {
	monitor, err := openMonitor()
	if err != nil {
		log.Info("no monitor", "err", err)
	} else {
		defer monitor.Close()
	}
	serial, err := os.OpenFile("/dev/ttyS0", os.O_WRONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		log.Info("no serial line", "err", err)
	} else {
		defer serial.Close()
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	shown := ""
	for {
		p := look(ctx)
		if text := Text(p, false); text != shown {
			shown = text
			if monitor != nil {
				show(log, monitor, "\x1b[2J\x1b[H"+Text(p, true))
			}
			if serial != nil {
				show(log, serial, strings.ReplaceAll(text, "\n", "\r\n"))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func show(log *slog.Logger, f *os.File, text string) {
	if err := f.SetWriteDeadline(time.Now().Add(5 * lookEvery)); err != nil {
		log.Debug("screen", "err", err) // then it may take as long as it takes
	}
	if _, err := f.WriteString(text); err != nil {
		log.Debug("screen", "err", err)
	}
}

func openMonitor() (*os.File, error) {
	f, err := os.OpenFile(fmt.Sprintf("/dev/tty%d", terminal), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	fd := int(f.Fd())
	for _, request := range []uint{vtActivate, vtWaitActive} {
		if err := unix.IoctlSetInt(fd, request, terminal); err != nil {
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
