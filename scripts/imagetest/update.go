package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// kit is what update files are made from: the image's own folder.
type kit struct {
	dir     string // of the image, with root.img, vmlinuz and parts/mkupdate
	work    string
	counter uint64 // of the image
	options string
	trust   string // its public key
	key     string // and the secret one
}

// newKit reads the image's own update file.
func newKit(image, work string) (*kit, error) {
	k := &kit{dir: filepath.Dir(image), work: work, key: os.Getenv("MEETBOX_SIGNING_KEY")}
	if k.key == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, err
		}
		k.key = filepath.Join(config, "meetbox", "update.key")
	}
	b, err := os.ReadFile(filepath.Join(k.dir, "update.pub"))
	if err != nil {
		return nil, err
	}
	k.trust = strings.TrimSpace(string(b))
	out, err := exec.Command(k.tool(), "check", "-key", k.trust, filepath.Join(k.dir, "meetbox.update")).Output()
	if err != nil {
		return nil, fmt.Errorf("meetbox.update beside the image: %w", err)
	}
	var m struct {
		Counter uint64
		Options string
	}
	err = json.Unmarshal(out, &m)
	k.counter, k.options = m.Counter, m.Options
	return k, err
}

func (k *kit) tool() string { return filepath.Join(k.dir, "parts", "mkupdate") }

// sign makes a file with the image's own content under another name.
func (k *kit) sign(name, key string, counter uint64) (string, error) {
	file := filepath.Join(k.work, name+".update")
	out, err := exec.Command(k.tool(), "sign", "-key", key, "-version", name, "-counter", strconv.FormatUint(counter, 10), "-options", k.options,
		"-kernel", filepath.Join(k.dir, "vmlinuz"), "-root", filepath.Join(k.dir, "root.img"), "-o", file).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return file, nil
}

// build makes a real version of its own.
func (k *kit) build(ctx context.Context, name string, counter uint64, flags string) (string, error) {
	dir := filepath.Join(k.work, name)
	cmd := exec.CommandContext(ctx, "nice", "-n", "10", "scripts/image.sh", dir)
	cmd.Env = append(os.Environ(), "MEETBOX_UPDATE_ONLY=1", "MEETBOX_VERSION="+name, "MEETBOX_COUNTER="+strconv.FormatUint(counter, 10), "MEETBOX_BUILD_FLAGS="+flags)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("image.sh: %w\n%s", err, out)
	}
	return filepath.Join(dir, "meetbox.update"), nil
}

// broken is a version whose bridge always ends at once: everything else of it
// is well.
func (k *kit) broken(ctx context.Context, counter uint64) (string, error) {
	source := filepath.Join(k.work, "broken.go")
	if err := os.WriteFile(source, []byte("package main\n\nimport \"os\"\n\nfunc main() { os.Exit(1) }\n"), 0o600); err != nil {
		return "", err
	}
	top, err := os.Getwd()
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for _, at := range []string{"bridge/main.go", "image/box/builddir/meetbox.local/bridge/main.go"} { // by which of them it is found is gok's matter
		replace[filepath.Join(top, at)] = source
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(k.work, "overlay.json")
	if err := os.WriteFile(overlay, b, 0o600); err != nil {
		return "", err
	}
	return k.build(ctx, "broken", counter, "-overlay="+overlay)
}

// upload sends an update file.
// A box that has just started may not know yet whether people meet: that is asked again.
func (c *console) upload(ctx context.Context, file string) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	for {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		err = c.ask(ctx, http.MethodPost, "/api/v1/update", f, nil)
		f.Close()
		if code(err) != "meetings-unknown" || ctx.Err() != nil {
			return err
		}
		pause(ctx, lookEvery)
	}
}

// browses looks at the machine and sends an update file as an owner does, in the console's pages.
func (c *console) browses(ctx context.Context, file string) error {
	return browse(ctx, "update.test.ts", fmt.Sprintf("MEETBOX_CONSOLE=https://localhost:%d", c.m.admin),
		"MEETBOX_OWNER="+owner, "MEETBOX_PASSWORD="+password, "MEETBOX_UPDATE="+file)
}

// systems is the hash of the disk up to /perm: partition table, boot loader,
// both kernels and both roots.
func systems(disk string) (string, error) {
	f, err := os.Open(disk)
	if err != nil {
		return "", err
	}
	defer f.Close()
	entry := make([]byte, 128)
	if _, err := f.ReadAt(entry, 1024+3*128); err != nil { // the fourth partition's
		return "", err
	}
	h := sha256.New()
	// The table says where /perm ends, which grows at the first start; what
	// stands before the first partition is not an update's matter.
	_, err = io.Copy(h, io.NewSectionReader(f, 1<<20, int64(binary.LittleEndian.Uint64(entry[32:]))*512-1<<20))
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

// updates is the scenario of a box that is brought a new version: bad files,
// a good one, one that does not work.
func updates(ctx context.Context, image, accel, dir string, r *report) error {
	k, err := newKit(image, dir)
	if err != nil {
		return err
	}
	next, err := k.build(ctx, "next", k.counter+20, "")
	if !r.check("a next version is built", err) {
		return nil
	}
	broken, err := k.broken(ctx, k.counter+40)
	if !r.check("a version whose bridge does not run is built", err) {
		return nil
	}
	m := &machine{dir: dir, accel: accel, disk: filepath.Join(dir, "update.img"), settings: []string{"MEETBOX_UPDATE_KEYS=" + k.trust}}
	if err := m.install(image, diskSize); err != nil {
		return err
	}
	defer func() {
		if r.failed > 0 {
			r.keep(m)
		}
	}()
	authority, ok := boot(ctx, m, r, "update: first boot", "nvme,serial=meetbox")
	if !ok {
		return nil
	}
	defer m.cut()
	ctx, cancel := context.WithTimeout(ctx, 3*bootTime)
	defer cancel()
	c := newConsole(m, authority)
	if !r.check("the box is claimed with the code from its serial line", c.claim(ctx)) {
		return nil
	}
	if err := k.refused(ctx, c, next, r); err != nil {
		return err
	}
	if !r.check("a browser shows the machine, brings a good update, and follows it through the restart", c.browses(ctx, next)) {
		return nil
	}
	u, err := c.settled(ctx, func(u update) bool { return u.Running.Version == "next" })
	if err == nil && (u.Slot != "b" || u.Last == nil || !u.Last.OK) {
		err = fmt.Errorf("it says %+v", u)
	}
	if !r.check("the new version runs, called itself, and is confirmed", err) {
		return nil
	}
	r.check("somebody who was signed in still is, and an older version is refused", wantCode(c.upload(ctx, filepath.Join(k.dir, "meetbox.update")), "older-version"))
	if !r.check("an update that does not work is taken", c.upload(ctx, broken)) {
		return nil
	}
	u, err = c.settled(ctx, func(u update) bool { return u.Last != nil && u.Last.Release.Version == "broken" })
	if err == nil && (u.Slot != "b" || u.Running.Version != "next" || u.Last.OK || !strings.Contains(u.Last.Reason, "bridge")) {
		err = fmt.Errorf("it says %+v, last %+v", u, u.Last)
	}
	if !r.check("the version before it is back by itself, and says why", err) {
		return nil
	}
	fmt.Println("     ", u.Last.Reason)
	r.check("its screen says so", m.await(ctx, func(s string) bool {
		return strings.Contains(s, "the update to version broken failed") && allWell(s)
	}))
	return nil
}

func wantCode(err error, want string) error {
	if got := code(err); got != want {
		return fmt.Errorf("%w, want %s", errors.Join(errors.New("answered with "+strconv.Quote(got)), err), want)
	}
	return nil
}

// refused uploads what must not be taken and looks at the disk.
func (k *kit) refused(ctx context.Context, c *console, next string, r *report) error {
	good, err := os.ReadFile(next)
	if err != nil {
		return err
	}
	write := func(name string, b []byte) (string, error) {
		name = filepath.Join(k.work, name)
		return name, os.WriteFile(name, b, 0o600)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	flippedFile, err := write("flipped", flipped)
	if err != nil {
		return err
	}
	truncated, err := write("truncated", good[:len(good)-1000])
	if err != nil {
		return err
	}
	older, err := k.sign("older", k.key, k.counter-1)
	if err != nil {
		return err
	}
	otherKey := filepath.Join(k.work, "other.key")
	if out, err := exec.Command(k.tool(), "key", otherKey).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	stranger, err := k.sign("stranger", otherKey, k.counter+1)
	if err != nil {
		return err
	}
	before, err := systems(c.m.disk)
	if err != nil {
		return err
	}
	for _, bad := range []struct{ what, file, code string }{
		{"one flipped byte", flippedFile, "bad-file"},
		{"an end that is missing", truncated, "bad-file"},
		{"an older version", older, "older-version"},
		{"another key", stranger, "unknown-key"},
		{"no update at all", filepath.Join(k.dir, "root.img"), "bad-file"},
	} {
		r.check("refused: "+bad.what, wantCode(c.upload(ctx, bad.file), bad.code))
	}
	after, err := systems(c.m.disk)
	if err == nil && after != before {
		err = errors.New("it is another")
	}
	r.check("both systems and the boot loader on the disk are as before", err)
	return nil
}
