// Package atomicfile replaces files so that a reader, or a power cut, sees
// the old content or the new one, never a part.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// Write replaces the named file below root, durably: the data and then the
// folder are synced before it returns. The name can never leave root.
func Write(root *os.Root, name string, data []byte, perm fs.FileMode) error {
	return WriteGroup(root, name, data, perm, -1)
}

// WriteGroup is Write for a file that belongs to a group, -1 for the usual
// one. Nobody else can open it at any time in between.
func WriteGroup(root *os.Root, name string, data []byte, perm fs.FileMode, group int) error {
	tmp := name + "." + rand.Text()[:8] + ".tmp"
	if err := write(root, tmp, data, perm, group); err != nil {
		return errors.Join(fmt.Errorf("replace %s: %w", name, err), remove(root, tmp))
	}
	if err := root.Rename(tmp, name); err != nil {
		return errors.Join(fmt.Errorf("replace %s: %w", name, err), remove(root, tmp))
	}
	dir, err := root.Open(path.Dir(name))
	if err != nil {
		return fmt.Errorf("replace %s: %w", name, err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func write(root *os.Root, name string, data []byte, perm fs.FileMode, group int) error {
	begin := perm
	if group >= 0 {
		begin = 0o600 // until it has its group
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, begin)
	if err != nil {
		return err
	}
	if group >= 0 {
		err = errors.Join(f.Chown(-1, group), f.Chmod(perm))
	}
	_, werr := f.Write(data)
	return errors.Join(err, werr, f.Sync(), f.Close())
}

func remove(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
