// Package backup writes the box's state into an encrypted file and reads it
// again, on this box or on other hardware.
//
// The file is age's format with a passphrase (age-encryption.org/v1), around
// gzip, around one JSON document: with the passphrase, any machine that has
// age can look inside. Without it nobody can.
package backup

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"filippo.io/age"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

const (
	product = "meetbox backup"
	// format grows when older versions could not restore the file any more.
	format = 1

	// MaxSize bounds a file, MaxContent what is in it.
	MaxSize    = 16 << 20
	maxContent = 64 << 20

	// scrypt takes 128·8·2^n bytes: 32 MiB for ours. A file may ask for 64.
	workFactor    = 15
	maxWorkFactor = 16

	minPassphrase = 12
)

// Document is what is in the file.
type Document struct {
	Product string      `json:"product"`
	Format  int         `json:"format"`
	Made    time.Time   `json:"made"`
	Name    string      `json:"name"`
	Version string      `json:"version"`
	State   state.Whole `json:"state"`
}

// New is a document of this moment.
func New(now time.Time, name, version string, w state.Whole) Document {
	return Document{Product: product, Format: format, Made: now.UTC().Truncate(time.Second), Name: name, Version: version, State: w}
}

// Write encrypts the document.
func Write(w io.Writer, d Document, passphrase string) error {
	if utf8.RuneCountInString(passphrase) < minPassphrase {
		return api.FieldErrors{"passphrase": fmt.Sprintf("Take at least %d characters: whoever has the file can try for as long as he likes.", minPassphrase)}
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return api.FieldErrors{"passphrase": err.Error()}
	}
	to.SetWorkFactor(workFactor)
	sealed, err := age.Encrypt(w, to)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(sealed)
	return errors.Join(json.NewEncoder(z).Encode(d), z.Close(), sealed.Close())
}

// Read opens a file. The error says whether the file or the passphrase is
// wrong.
func Read(file []byte, passphrase string) (d Document, err error) {
	if passphrase == "" {
		return d, api.FieldErrors{"passphrase": "Give the passphrase that the backup was made with."}
	}
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return d, api.FieldErrors{"passphrase": err.Error()}
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	opened, err := age.Decrypt(bytes.NewReader(file), id)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return d, api.FieldErrors{"passphrase": "This is not the passphrase that the backup was made with. Nothing was changed."}
	}
	if err != nil {
		return d, unfit("This file is not a backup of a Meetbox, or it is damaged (%v).", err)
	}
	z, err := gzip.NewReader(opened)
	if err != nil {
		return d, unfit("This backup is damaged (%v).", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, maxContent+1))
	if err != nil {
		return d, unfit("This backup is damaged or not complete (%v).", err)
	}
	if len(b) > maxContent {
		return d, unfit("This backup is larger than %d MiB.", maxContent>>20)
	}
	// Not strict: a newer version may have added something.
	if err := json.Unmarshal(b, &d); err != nil || d.Product != product {
		return d, unfit("There is no backup of a Meetbox in this file.")
	}
	if d.Format > format {
		return d, unfit("A newer version of Meetbox (%s) made this backup. Update this box first.", d.Version)
	}
	return d, nil
}

func unfit(text string, args ...any) error {
	return api.Problem{Status: http.StatusUnprocessableEntity, Code: "backup", Detail: fmt.Sprintf(text, args...) + " Nothing was changed."}
}
