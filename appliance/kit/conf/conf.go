// Package conf reads the settings file that the appliance renders for a
// service: one strict JSON document, read whole, at start and at each reload.
//
// It owns nothing and starts nothing; the caller decides what a bad reload
// means (the rule is: keep the settings that run, say why in the log).
package conf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// pollEvery is how often Wait looks for a file that is not there yet. The
// appliance writes it once, within its first second.
const pollEvery = 50 * time.Millisecond

// Load decodes the JSON document in the named file. Unknown fields and
// anything after the document are errors, which name the file.
func Load[T any](name string) (T, error) {
	var v T
	f, err := os.Open(name)
	if err != nil {
		return v, fmt.Errorf("settings: %w", err)
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, fmt.Errorf("settings %s: %w", name, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return v, fmt.Errorf("settings %s: more than one document", name)
	}
	return v, nil
}

// Wait is Load, but waits until the file exists: services start in any order,
// and the appliance may still be rendering. It returns the context's cause
// when the context ends first.
func Wait[T any](ctx context.Context, name string) (T, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		v, err := Load[T](name)
		if !errors.Is(err, fs.ErrNotExist) {
			return v, err
		}
		select {
		case <-ctx.Done():
			return v, fmt.Errorf("settings %s: %w", name, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
