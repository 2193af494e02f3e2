package api

import "time"

// SharedFiles are the files that are shared in meetings now.
type SharedFiles struct {
	Files []SharedFile `json:"files"` // the newest first
	Used  int64        `json:"used"`  // bytes, of files and of what is on its way
	Quota int64        `json:"quota"` // bytes; 0: no files are shared
}

// SharedFile is one of them.
type SharedFile struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Type  string    `json:"type,omitempty"`
	Size  int64     `json:"size"`
	Until time.Time `json:"until"` // then it is deleted
}
