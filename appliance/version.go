package main

import (
	"runtime/debug"
	"strconv"
)

// release is set by the linker for an image, which is built without what the
// go command knows of the work tree.
var release string

// version is the module's version, or the commit that a work tree was at.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	var commit string
	var dirty bool
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value
		case "vcs.modified":
			dirty, _ = strconv.ParseBool(s.Value)
		}
	}
	if commit == "" {
		return info.Main.Version
	}
	v := commit[:min(12, len(commit))]
	if dirty {
		v += "+changes"
	}
	return v
}
