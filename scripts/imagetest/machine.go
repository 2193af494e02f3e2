package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

const firmware = "/usr/share/OVMF/"

// processor of the machine: what QEMU can, but for five levels of page tables.
const processor = "max,la57=off"

// lookEvery is how often the machine is looked at while waiting.
const lookEvery = 500 * time.Millisecond

// keyTime is the time between two keys: longer than the box takes to look for
// one, so that none is taken for a part of the one before.
const keyTime = 300 * time.Millisecond

// machine is a PC with the image on its disk.
type machine struct {
	dir, accel, disk string

	cmd         *exec.Cmd
	https, http int      // this machine's ports, forwarded to 443 and 80
	other       int      // forwarded to a port where nothing should listen
	admin       int      // forwarded to 8443, the console
	media       int      // UDP, the same on both sides
	settings    []string // further ones, through the firmware
	format      string   // of the disk's file; raw when empty
	device      string   // the disk, in the power-cut test
	card        string   // the network card; e1000e when empty
	clock       string   // the hardware's, as in 2090-01-01; now when empty
	foreign     bool     // another system's, whose packets are not ours

	keyboard io.Writer // the serial line's

	mu       sync.Mutex
	serial   bytes.Buffer    // since the last start
	logs     strings.Builder // of all starts
	image    string          // on the disk
	more     []string        // further arguments of QEMU
	answered time.Duration   // from turning it on to the first answer over HTTPS
}

// install writes the image to a new disk.
func (m *machine) install(image string, size int64) error {
	m.image = image
	for _, c := range [][]string{
		{"cp", "--sparse=always", image, m.disk},
		{"cp", firmware + "OVMF_VARS_4M.fd", filepath.Join(m.dir, "vars.fd")},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(c, " "), err, out)
		}
	}
	return os.Truncate(m.disk, size)
}

// start turns the machine on with its disk as the given device.
func (m *machine) start(device string) error {
	ports, err := freePorts(5)
	if err != nil {
		return err
	}
	m.https, m.http, m.other, m.media, m.admin = ports[0], ports[1], ports[2], ports[3], ports[4]
	var texts strings.Builder
	fmt.Fprintf(&texts, "type=11,value=meetbox:MEETBOX_MEDIA_ADDRS=127.0.0.1,value=meetbox:MEETBOX_MEDIA_PORT=%d", m.media)
	for _, s := range m.settings {
		texts.WriteString(",value=meetbox:" + strings.ReplaceAll(s, ",", ",,"))
	}
	m.mu.Lock()
	m.serial.Reset()
	fmt.Fprintf(&m.logs, "\n===== %s\n", device)
	m.mu.Unlock()
	m.cmd = exec.Command("nice", "-n", *nice, "qemu-system-x86_64",
		// Without the old timer: on a busy machine Linux measures its clock wrongly by
		// that, 20 times too fast, and nothing that waits works any more.
		"-machine", "q35,pit=off", "-accel", m.accel, "-cpu", processor, "-smp", "2", "-m", "1024",
		"-display", "none", "-vga", "std", "-serial", "stdio", "-monitor", "unix:"+m.monitor()+",server=on,wait=off",
		"-drive", "if=pflash,format=raw,unit=0,readonly=on,file="+firmware+"OVMF_CODE_4M.fd",
		"-drive", "if=pflash,format=raw,unit=1,file="+filepath.Join(m.dir, "vars.fd"),
		"-device", "qemu-xhci,id=usb",
		"-drive", "if=none,id=disk,format="+cmp.Or(m.format, "raw")+",file="+m.disk, "-device", device+",drive=disk,bootindex=0",
		"-netdev", fmt.Sprintf("user,id=net,hostfwd=tcp:127.0.0.1:%d-:443,hostfwd=tcp:127.0.0.1:%d-:80,hostfwd=tcp:127.0.0.1:%d-:22,hostfwd=tcp:127.0.0.1:%d-:8443,hostfwd=udp:127.0.0.1:%d-:%d", m.https, m.http, m.other, m.admin, m.media, m.media),
		// QEMU's own "restrict" would stop answers over UDP too.
		"-object", "filter-dump,id=dump,netdev=net,file="+m.capture(),
		// Without a ROM in the card the firmware does not look for a network to start from.
		"-device", cmp.Or(m.card, "e1000e")+",netdev=net,romfile=",
		"-rtc", "base="+cmp.Or(m.clock, "utc"),
		// What a site behind a port forward sets.
		"-smbios", texts.String())
	m.cmd.Args = append(m.cmd.Args, m.more...)
	m.cmd.Stdout, m.cmd.Stderr = m, m
	if m.keyboard, err = m.cmd.StdinPipe(); err != nil {
		return err
	}
	return m.cmd.Start()
}

// capture is the file with all packets since the last start.
func (m *machine) capture() string { return filepath.Join(m.dir, "net.pcap") }

// monitor is QEMU's own socket.
func (m *machine) monitor() string { return filepath.Join(m.dir, "monitor") }

// picture writes what the machine's monitor shows to a PNG file.
func (m *machine) picture(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", m.monitor())
	if err != nil {
		return err
	}
	defer c.Close()
	const prompt = "(qemu) "
	if t, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(t); err != nil {
			return err
		}
	}
	r := bufio.NewReader(c)
	for _, command := range []string{"", "screendump " + name + " -f png\n"} {
		if _, err := io.WriteString(c, command); err != nil {
			return err
		}
		for said := ""; !strings.HasSuffix(said, prompt); {
			b, err := r.ReadByte()
			if err != nil {
				return fmt.Errorf("%w after %q", err, said)
			}
			said += string(b)
		}
	}
	_, err = os.Stat(name)
	return err
}

// cut pulls the plug.
func (m *machine) cut() {
	// nice replaces itself by QEMU, so that this is QEMU's process.
	if err := m.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		fmt.Println("power cut:", err)
	}
	m.cmd.Wait() // its error is that it was killed, or that it was off already
	if m.foreign {
		return
	}
	if err := wire.take(m.capture()); err != nil {
		fmt.Println("packets of a machine are not looked at:", err)
	}
}

// press presses keys, one after the other as a person does.
func (m *machine) press(ctx context.Context, keys string) error {
	for _, k := range keys {
		if _, err := fmt.Fprint(m.keyboard, string(k)); err != nil {
			return err
		}
		pause(ctx, keyTime)
	}
	return nil
}

// off waits until the machine has turned itself off, and pulls the plug if it
// does not.
func (m *machine) off(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	stop := context.AfterFunc(ctx, m.cut)
	defer stop()
	m.cmd.Wait() // what it says is in its state
	if !m.cmd.ProcessState.Success() {
		return fmt.Errorf("it did not turn itself off: %v", m.cmd.ProcessState)
	}
	m.cut() // for its packets
	return nil
}

// Write takes what comes over the serial line.
func (m *machine) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.serial.Write(b)
	m.logs.Write(b)
	return len(b), nil
}

var controls = regexp.MustCompile(`\x1b\[[0-9;?=]*[A-Za-z]`)

// screen is the last page that the box has shown on the serial line.
func (m *machine) screen() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	text := controls.ReplaceAllString(m.serial.String(), "")
	if i := strings.LastIndex(text, "  MEETBOX\r"); i >= 0 {
		return text[i:]
	}
	return ""
}

func (m *machine) await(ctx context.Context, done func(screen string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		s := m.screen()
		if done(s) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; its screen:\n%s", context.Cause(ctx), s)
		case <-tick.C:
		}
	}
}

// awaitText waits for a line on the serial line, since the last start.
func (m *machine) awaitText(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		m.mu.Lock()
		found := bytes.Contains(m.serial.Bytes(), []byte(text))
		if found { // what comes after it is what counts from here on
			m.serial.Reset()
		}
		m.mu.Unlock()
		if found {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: no %q on the serial line; its screen:\n%s", context.Cause(ctx), text, m.screen())
		case <-tick.C:
		}
	}
}

// authority waits for the web server, fetches the authority's certificate over
// plain HTTP, and checks that HTTPS is vouched for by it.
func (m *machine) authority(ctx context.Context) (string, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var err error
	for {
		var pem string
		if pem, err = get(ctx, http.DefaultClient, fmt.Sprintf("http://localhost:%d/ca.crt", m.http)); err == nil {
			_, err = get(ctx, trusting(pem), fmt.Sprintf("https://localhost:%d/", m.https))
			if err == nil {
				return pem, nil
			}
		}
		select {
		case <-ctx.Done():
			return "", errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

func trusting(pem string) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(pem))
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
}

func get(ctx context.Context, c *http.Client, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Close = true
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return string(b), err
}

// pages asks for one page of each kind.
func pages(ctx context.Context, m *machine) error {
	pem, err := m.authority(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for path, want := range map[string]string{
		"/":               "<html",
		"/some-room":      "<html",
		"/config.js":      fmt.Sprintf("wss://localhost:%d/xmpp-websocket", m.https),
		"/xmpp-websocket": "",
	} {
		got, err := get(ctx, trusting(pem), fmt.Sprintf("https://localhost:%d%s", m.https, path))
		if err == nil && !strings.Contains(got, want) {
			err = fmt.Errorf("%s: no %q in it", path, want)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// closed checks that no shell waits for a caller. QEMU itself takes the
// connection, so that only an answer counts.
func closed(m *machine) error {
	c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", m.other), 5*time.Second)
	if err != nil {
		return nil
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if n, _ := c.Read(make([]byte, 1)); n > 0 {
		return errors.New("something answers on port 22")
	}
	return nil
}

// meeting lets two browsers meet through the box.
func meeting(ctx context.Context, m *machine) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	return browse(ctx, "meeting.test.ts", fmt.Sprintf("MEETBOX_URL=https://localhost:%d", m.https))
}

// browse runs a file of browser tests that stands beside this one.
func browse(ctx context.Context, file string, env ...string) error {
	cmd := exec.CommandContext(ctx, "node", "web/ui/node_modules/vitest/vitest.mjs", "run", "--config", "scripts/imagetest/vitest.config.mjs", file)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// freePorts finds TCP ports that are free now.
func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // not before all are found
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}
