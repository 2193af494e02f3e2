package main

import (
	"os"
	"sync"
)

// logSize is what a log may take before it is begun anew; the one before is
// kept beside it. Five services take 5 MiB of RAM at most.
const logSize = 512 << 10

// logFile keeps what a service prints, in RAM.
type logFile struct {
	name string

	mu   sync.Mutex
	file *os.File
	size int
}

func newLog(name string) *logFile { return &logFile{name: name} }

// Write never fails: a service must not die because nobody can read it.
func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil || l.size > logSize {
		l.turn()
	}
	if l.file != nil {
		n, _ := l.file.Write(b)
		l.size += n
	}
	return len(b), nil
}

func (l *logFile) turn() {
	if l.file != nil {
		l.file.Close()
		l.file = nil
		if err := os.Rename(l.name, l.name+".old"); err != nil {
			return
		}
	}
	f, err := os.OpenFile(l.name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	l.file, l.size = f, 0
}
