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
	tmp := name + "." + rand.Text()[:8] + ".tmp"
	if err := write(root, tmp, data, perm); err != nil {
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

func write(root *os.Root, name string, data []byte, perm fs.FileMode) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func remove(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
