package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// eraseDelay lets the answer get out before the box restarts.
const eraseDelay = 2 * time.Second

// elsewhere is what others keep in the state folder on a developer's machine,
// and in folders of their own on the box.
const elsewhere = "signaling"

// erase removes what the other services keep. The appliance's own state is
// empty already. The box is then to be restarted with what erase returns.
func (d *daemon) erase(keepAuthority bool) (restart func(), err error) {
	if d.machine == nil {
		files, err := filepath.Glob(filepath.Join(d.u.State, "im.db*"))
		for _, name := range files {
			err = errors.Join(err, os.Remove(name))
		}
		return func() {}, err
	}
	if keepAuthority {
		err = empty(filepath.Join(permDir, elsewhere))
	} else {
		err = markReset(permDir)
	}
	restart = func() {
		// Process 1 stops the services first.
		time.AfterFunc(eraseDelay, func() {
			if err := syscall.Kill(1, syscall.SIGTERM); err != nil {
				d.log.Error("restart", "err", err)
			}
		})
	}
	return restart, err
}

// empty removes what is in the folder.
func empty(folder string) error {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(folder, e.Name())))
	}
	return err
}
