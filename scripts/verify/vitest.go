package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Vitest ends with a line such as
//
//	Tests  1 failed | 11 passed | 2 skipped (14)
//
// and a file that cannot even be loaded shows only among the files:
//
//	Test Files  1 failed | 3 passed (4)
var (
	summary = regexp.MustCompile(`^\s*(Tests|Test Files)\s+(.*)\(\d+\)\s*$`)
	number  = regexp.MustCompile(`(\d+) (failed|passed|skipped|todo)`)
	failure = regexp.MustCompile(`(?m)^\s*FAIL\s+(\S+\.test\.ts)\b`)
	color   = regexp.MustCompile(`\x1b\[[0-9;]*m`)
)

func readVitest(r io.Reader, out io.Writer) (count, error) {
	var tests, files count
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16<<20) // a failing test may print a long line
	for s.Scan() {
		fmt.Fprintln(out, s.Text())
		m := summary.FindStringSubmatch(color.ReplaceAllString(s.Text(), ""))
		if m == nil {
			continue
		}
		c := &tests
		if m[1] == "Test Files" {
			c = &files
		}
		for _, n := range number.FindAllStringSubmatch(m[2], -1) {
			v, err := strconv.Atoi(n[1])
			if err != nil {
				return tests, fmt.Errorf("count %q: %w", n[1], err)
			}
			switch n[2] {
			case "passed":
				c.passed += v
			case "failed":
				c.failed += v
			default:
				c.skipped += v
			}
		}
	}
	tests.failed = max(tests.failed, files.failed)
	return tests, s.Err()
}

// failedFiles are those of which a test failed, or which could not be loaded,
// from the list at the end. There are none when something failed outside of all
// tests: no file could show that it is well again.
func failedFiles(output string) []string {
	var files []string
	if strings.Contains(output, "Unhandled Error") {
		return nil
	}
	for _, m := range failure.FindAllStringSubmatch(color.ReplaceAllString(output, ""), -1) {
		if !slices.Contains(files, m[1]) {
			files = append(files, m[1])
		}
	}
	return files
}
