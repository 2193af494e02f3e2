// Package journal keeps a sequence of records in a file so that a killed
// process finds them again: what write(2) has taken, the kernel has, whatever
// becomes of the process. It is for a folder in memory; nothing is synced, and
// a power cut takes the journal with the meetings it was about.
//
// A generation is one file: a snapshot, then the records since. Create starts
// the next generation and removes the others; Load reads the newest that is
// whole at its start. A record that a kill has torn is the last one and is
// left out: its event never took effect. Not safe for concurrent use.
package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// magic changes with the format or the meaning of records: a journal of
// another version is as good as none.
const magic = "mbsig\x00\x00\x01"

const prefix = "journal-"

var table = crc32.MakeTable(crc32.Castagnoli)

// Record is one entry. What it means is the owner's business.
type Record struct {
	Kind    uint8
	Session uint32
	At      time.Time
	Payload []byte
}

// head is length, checksum, kind, session, time.
const head = 4 + 4 + 1 + 4 + 8

func (r Record) append(b []byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Payload)))
	b = append(b, 0, 0, 0, 0)
	b = append(b, r.Kind)
	b = binary.LittleEndian.AppendUint32(b, r.Session)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.At.UnixNano()))
	b = append(b, r.Payload...)
	binary.LittleEndian.PutUint32(b[start+4:], crc32.Checksum(b[start+8:], table))
	return b
}

func read(b []byte) (r Record, n int, ok bool) {
	if len(b) < head {
		return r, 0, false
	}
	size := int64(binary.LittleEndian.Uint32(b))
	if int64(len(b)-head) < size {
		return r, 0, false
	}
	n = head + int(size)
	if crc32.Checksum(b[8:n], table) != binary.LittleEndian.Uint32(b[4:]) {
		return r, 0, false
	}
	return Record{
		Kind: b[8], Session: binary.LittleEndian.Uint32(b[9:]),
		At: time.Unix(0, int64(binary.LittleEndian.Uint64(b[13:]))), Payload: b[head:n:n],
	}, n, true
}

// Past is what a former process has left.
type Past struct {
	Snapshot []byte
	Written  time.Time // last change
	rest     []byte
}

// Records are those after the snapshot, in order.
func (p *Past) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for b := p.rest; ; {
			r, n, ok := read(b)
			if !ok || !yield(r) {
				return
			}
			b = b[n:]
		}
	}
}

// Load reads the newest generation in dir; nil if there is none.
func Load(dir string) (*Past, error) {
	names, err := generations(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Backward(names) {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		body, ok := strings.CutPrefix(string(b[:min(len(b), len(magic))]), magic)
		if !ok || body != "" {
			continue
		}
		b = b[len(magic):]
		if r, n, ok := read(b); ok {
			return &Past{Snapshot: r.Payload, Written: info.ModTime(), rest: b[n:]}, nil
		}
	}
	return nil, nil
}

// generations are the journal files, oldest first.
func generations(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && !strings.HasSuffix(e.Name(), ".tmp") {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names, nil // ReadDir sorts, and the numbers have a fixed width
}

// Journal is the generation being written.
type Journal struct {
	f    *os.File
	size int64
	buf  []byte
}

// Create starts a generation with a snapshot and removes the older ones. The
// folder is made if need be; what is in it is for this process only.
func Create(dir string, snapshot []byte) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	old, err := generations(dir)
	if err != nil {
		return nil, err
	}
	var number uint64
	if len(old) > 0 {
		// A name that is no number counts as 0; it only decides the order.
		_, _ = fmt.Sscanf(filepath.Base(old[len(old)-1]), prefix+"%016x", &number)
	}
	name := filepath.Join(dir, fmt.Sprintf(prefix+"%016x", number+1))
	f, err := os.OpenFile(name+".tmp", os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	b := Record{At: time.Now(), Payload: snapshot}.append([]byte(magic))
	if _, err := f.Write(b); err != nil {
		return nil, errors.Join(fmt.Errorf("journal: %w", err), f.Close(), os.Remove(name+".tmp"))
	}
	if err := os.Rename(name+".tmp", name); err != nil {
		return nil, errors.Join(fmt.Errorf("journal: %w", err), f.Close())
	}
	j := &Journal{f: f, size: int64(len(b))}
	for _, o := range old {
		if err := os.Remove(o); err != nil {
			return nil, errors.Join(fmt.Errorf("journal: %w", err), f.Close())
		}
	}
	return j, nil
}

// Append writes records with one call. After an error the generation must not
// be appended to: a reader would stop at the torn record.
func (j *Journal) Append(records ...Record) error {
	j.buf = j.buf[:0]
	for _, r := range records {
		j.buf = r.append(j.buf)
	}
	n, err := j.f.Write(j.buf)
	j.size += int64(n)
	if cap(j.buf) > 1<<20 {
		j.buf = nil
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// Size is the file's, in bytes.
func (j *Journal) Size() int64 { return j.size }

// Close ends writing. What is written stays for the next process.
func (j *Journal) Close() error { return j.f.Close() }
