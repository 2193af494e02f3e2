package clock

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// System is this machine's clock.
type System struct{}

// Now is the time.
func (System) Now() time.Time { return time.Now() }

// Step sets the time at once.
func (System) Step(t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		return fmt.Errorf("set the clock: %w", err)
	}
	return System{}.Slew(0) // what was left to make up for is past
}

// slewMost is how much the kernel is given to make up for at a time; more
// would overflow its counter on small machines.
const slewMost = 2000 * time.Second

// Slew lets the clock run faster or slower until it has made up for d. A new
// d replaces what is left of an old one.
func (System) Slew(d time.Duration) error {
	d = min(max(d, -slewMost), slewMost)
	if _, err := unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_OFFSET_SINGLESHOT, Offset: d.Microseconds()}); err != nil {
		return fmt.Errorf("slew the clock: %w", err)
	}
	return nil
}

const rtcDevice = "/dev/rtc0"

// hardware is the clock with the battery.
type hardware struct{ name string }

// Hardware returns the machine's hardware clock, or nil where there is none.
func Hardware() RTC {
	h := hardware{rtcDevice}
	if _, err := h.Read(); err != nil {
		return nil
	}
	return h
}

// Read returns the hardware clock's time. It runs in UTC.
func (h hardware) Read() (time.Time, error) {
	f, err := os.Open(h.name)
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	t, err := unix.IoctlGetRTCTime(int(f.Fd()))
	if err != nil {
		return time.Time{}, fmt.Errorf("hardware clock: %w", err)
	}
	return time.Date(int(t.Year)+1900, time.Month(t.Mon+1), int(t.Mday), int(t.Hour), int(t.Min), int(t.Sec), 0, time.UTC), nil
}

// Write sets it.
func (h hardware) Write(t time.Time) error {
	f, err := os.OpenFile(h.name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	t = t.UTC()
	err = unix.IoctlSetRTCTime(int(f.Fd()), &unix.RTCTime{
		Sec: int32(t.Second()), Min: int32(t.Minute()), Hour: int32(t.Hour()), Mday: int32(t.Day()), Mon: int32(t.Month()) - 1, Year: int32(t.Year()) - 1900,
	})
	if err != nil {
		return fmt.Errorf("hardware clock: %w", err)
	}
	return nil
}
