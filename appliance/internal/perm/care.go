package perm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"meetbox.local/appliance/kit/atomicfile"
)

// trimEvery is how often the disk is told which blocks are free, so that it
// can spread its writes: often enough for any disk, and little work.
const trimEvery = 7 * 24 * time.Hour

// Life is what is remembered of the machine from start to start, in the file
// life.json.
type Life struct {
	Boot    string    `json:"boot"` // the kernel's number of the start that wrote this
	Open    bool      `json:"open"` // it has not been ended in order
	Count   int       `json:"count"`
	Cuts    int       `json:"cuts"` // starts after one that was never ended in order
	Trimmed time.Time `json:"trimmed,omitzero"`
}

const lifeFile = "life.json"

// begin is the life after this program was started under the given boot. Only
// the first start of the program in a boot counts.
func (l Life) begin(boot string) Life {
	if l.Boot != boot {
		if l.Open {
			l.Cuts++
		}
		l.Count++
		l.Boot = boot
	}
	l.Open = true
	return l
}

// Begin counts a start of the machine, once however often it is called. A file
// that cannot be read begins anew.
func Begin(folder string) (Life, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Life{}, fmt.Errorf("starts: %w", err)
	}
	l, err := readLife(folder)
	if err != nil {
		return l, err
	}
	l = l.begin(string(boot[:min(36, len(boot))]))
	return l, l.write(folder)
}

// End says that the machine is turned off, or the program started again, in
// order.
func (l Life) End(folder string) error {
	l.Open = false
	return l.write(folder)
}

func readLife(folder string) (l Life, err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return l, fmt.Errorf("starts: %w", err)
	}
	defer root.Close()
	b, err := root.ReadFile(lifeFile)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("starts: %w", err)
	}
	if json.Unmarshal(b, &l) != nil {
		return Life{}, nil
	}
	return l, nil
}

func (l Life) write(folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("starts: %w", err)
	}
	defer root.Close()
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("starts: %w", err)
	}
	return atomicfile.Write(root, lifeFile, append(b, '\n'), 0o600)
}

// TrimDue says whether it is time to tell the disk what is free. A clock that
// was wrong before does not put it off for ever.
func (l Life) TrimDue(now time.Time) bool {
	since := now.Sub(l.Trimmed)
	return since >= trimEvery || since < 0
}
