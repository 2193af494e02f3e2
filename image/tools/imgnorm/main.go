// Imgnorm makes the root file system that gok wrote reproducible.
//
//	imgnorm -time 1767225600 root.img
package main

import (
	"flag"
	"fmt"
	"os"

	"meetbox.local/image/tools/internal/squash"
)

func main() {
	seconds := flag.Uint("time", 0, "`seconds` since 1970 that every file gets")
	flag.Parse()
	if err := run(flag.Args(), uint32(*seconds)); err != nil {
		fmt.Fprintln(os.Stderr, "imgnorm:", err)
		os.Exit(1)
	}
}

func run(names []string, seconds uint32) error {
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := squash.Normalise(b, seconds); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(name, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
