// Package ui holds the built web pages. Vite writes them to dist, which is not checked in; the
// file dist/.embed is, so that the package compiles on a machine without Node. It then holds only
// the placeholder page, which says how to build the real one.
package ui

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed all:dist placeholder
var files embed.FS

// Files is the tree to serve: the built pages, or the placeholder when they were not built.
func Files() (fs.FS, error) {
	dir := "dist"
	if !Built() {
		dir = "placeholder"
	}
	tree, err := fs.Sub(files, dir)
	if err != nil {
		return nil, fmt.Errorf("opening the embedded pages: %w", err)
	}
	return tree, nil
}

// Built reports whether the real pages are inside.
func Built() bool {
	_, err := fs.Stat(files, "dist/index.html")
	return err == nil
}
