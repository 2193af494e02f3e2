package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	runDir  = "/run/meetbox"
	logDir  = "/run/log"
	permDir = "/perm"
)

// account is a user of the system image (/etc/passwd), with its group.
type account struct{ uid, gid int }

type box struct{ services []*service }

// names of the services, in the order of starting, which does not matter.
func names() []string { return []string{"appliance", "signaling", "focus", "bridge", "web"} }

// prepare makes what the services need before the first of them runs.
func prepare() (*box, error) {
	tune()
	// gokrazy leads it to where the kernel would write what it had been lent.
	if err := os.Remove("/tmp/resolv.conf"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Print(err)
	}
	checkStorage()
	if err := forget(permDir); err != nil {
		log.Printf("factory reset: %v", err)
	}
	accounts := map[string]account{"appliance": {}} // root
	for _, name := range names()[1:] {
		a, err := lookup(name)
		if err != nil {
			return nil, err
		}
		accounts[name] = a
	}
	if err := folders(accounts); err != nil {
		return nil, err
	}
	memory := totalMemory()
	set := readSettings()
	b := &box{}
	for _, name := range names() {
		s := &service{
			name:   name,
			path:   "/user/" + name,
			args:   []string{"-run", runDir},
			user:   accounts[name],
			output: newLog(filepath.Join(logDir, name+".log")),
			// From here on the collector works harder. Where the kernel counts
			// memory by service, twice as much is the end.
			env:    []string{fmt.Sprintf("GOMEMLIMIT=%d", memory*share(name)/100)},
			memory: memory * share(name) / 50,
			spare:  spare(name),
		}
		switch name {
		case "appliance":
			s.args = append(s.args, "-box", "-state", filepath.Join(permDir, name), "-https-port", "443", "-http-port", "80", "-admin-port", "8443",
				"-xmpp-port", "5222") // no other program could have it
			s.env = append(s.env, set...)
		case "signaling":
			s.args = append(s.args, "-state", filepath.Join(permDir, name))
		}
		if name != "appliance" && name != "web" { // that one answers first
			s.settings = filepath.Join(runDir, name+".json")
		}
		b.services = append(b.services, s)
	}
	return b, nil
}

// share of the memory in percent at which a service should begin to save.
func share(name string) int64 {
	switch name {
	case "bridge":
		return 30
	case "signaling":
		return 20
	}
	return 10
}

// spare says who goes first when the machine has no memory left: rather web,
// whose clients come back by themselves, than the media or who mends things.
func spare(name string) int {
	switch name {
	case "web":
		return 300
	case "bridge", "appliance":
		return -300
	}
	return 0
}

func totalMemory() int64 {
	var i unix.Sysinfo_t
	if err := unix.Sysinfo(&i); err != nil {
		return 1 << 30
	}
	return int64(i.Totalram) * int64(i.Unit)
}

func lookup(name string) (account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return account{}, fmt.Errorf("user of %s: %w", name, err)
	}
	uid, uerr := strconv.Atoi(u.Uid)
	gid, gerr := strconv.Atoi(u.Gid)
	return account{uid, gid}, errors.Join(uerr, gerr)
}

// folder is one that services find at their start.
type folder struct {
	name  string
	owner account
	mode  uint32 // with its special bits, as chmod(2) takes it
}

// folders makes the run folder so that each service may make its own sockets
// there and nobody can remove another's. Sockets inherit the folder's group:
// web's where web is the client, root's where only the appliance is.
func folders(a map[string]account) error {
	const shared = unix.S_ISGID | unix.S_ISVTX | 0o773
	list := []folder{
		{"/run", account{}, 0o755},
		{logDir, account{}, 0o700},
		{runDir, account{gid: a["web"].gid}, shared},
		{runDir + "/ctl", account{}, shared},
		{runDir + "/tls", account{}, 0o711},
		{runDir + "/signaling", a["signaling"], 0o700},
		{runDir + "/focus", a["focus"], 0o700},
		{permDir, account{}, 0o711},
		{permDir + "/appliance", account{}, 0o700},
		{permDir + "/signaling", a["signaling"], 0o700},
	}
	for _, f := range list {
		err := os.Mkdir(f.name, 0o700)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			if !errors.Is(err, unix.EROFS) {
				return err
			}
			// /perm could not be mounted. The screen must get to say so.
			log.Print(err)
			continue
		}
		if err := errors.Join(unix.Chown(f.name, f.owner.uid, f.owner.gid), unix.Chmod(f.name, f.mode)); err != nil {
			log.Printf("%s: %v", f.name, err)
		}
	}
	return nil
}

// tune sets limits that only root may. None of them is worth not starting.
func tune() {
	for _, c := range []string{"+pids", "+memory"} { // one by one: the kernel may lack one
		if err := os.WriteFile(filepath.Join(cgroups, "cgroup.subtree_control"), []byte(c), 0); err != nil {
			log.Printf("no limits of %s: %v", c[1:], err)
		}
	}
	for name, value := range map[string]string{
		"kernel/sysrq":                        "0", // no commands to the kernel by keyboard
		"kernel/ctrl-alt-del":                 "0", // no restart by keyboard
		"net/ipv4/ip_unprivileged_port_start": "80",
		"net/core/rmem_max":                   "33554432", // the bridge's socket: half a second at a gigabit
		"net/core/wmem_max":                   "33554432",
		"net/core/netdev_max_backlog":         "5000",
	} {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil {
			log.Print(err)
		}
	}
	files := &unix.Rlimit{Cur: 1 << 18, Max: 1 << 18}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, files); err != nil {
		log.Printf("number of open files: %v", err)
	}
}
