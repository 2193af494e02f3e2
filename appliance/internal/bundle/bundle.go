// Package bundle is the format of update files: a kernel and a root file
// system with all that must be known of them, signed as a whole.
//
//	meetbox update 1                     what the file is
//	untrusted comment: meetbox update    \
//	RUQ…                                  | an Ed25519 signature in minisign's
//	trusted comment: …                    | format (of the BLAKE2b hash) of all
//	…                                    /  that follows
//	{"version":…}                        Manifest, one line
//	the kernel, then the root file system, without anything between or after
//
// The signature stands first so that a stranger's file is refused after its
// first kilobyte. minisign itself can check a file too, from its sixth line on:
//
//	sed -n 2,5p meetbox.update >s && tail -n +6 meetbox.update >m && minisign -Vm m -x s -p KEY.pub
//
// Sign writes such a file, Open and Verify read one without ever holding more
// than a piece of it. Nothing of a manifest may be believed before Verify.
package bundle

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"aead.dev/minisign"
)

const (
	mark    = "meetbox update 1\n"
	comment = "meetbox update" // the untrusted one; no other is accepted, so that each byte of a file counts

	maxSignature = 1 << 10 // of its four lines together
	maxManifest  = 8 << 10

	// MaxKernel and MaxRoot are beyond what fits on any box.
	MaxKernel = 256 << 20
	MaxRoot   = 4 << 30
)

var (
	errForeign   = errors.New("this is no Meetbox update file")
	errTruncated = errors.New("the file is incomplete: it ends too early")
	errDamaged   = errors.New("the file is damaged or was changed: its signature does not fit")
	errLonger    = errors.New("the file is damaged: something follows its end")
)

// KeyError is a signature by a key that nobody trusts.
type KeyError struct{ ID uint64 }

func (e *KeyError) Error() string {
	return fmt.Sprintf("the file is signed with the key %s, which this box does not trust", KeyName(e.ID))
}

// KeyName is a key's number as minisign writes it.
func KeyName(id uint64) string { return fmt.Sprintf("%016X", id) }

// Manifest says what is in a file.
type Manifest struct {
	Version string `json:"version"`
	// Counter grows with each release; a box never goes back to a lower one.
	Counter uint64 `json:"counter"`
	// Minimum is the counter that a box must have reached to take this file.
	Minimum uint64 `json:"minimum,omitempty"`
	// Options are for the kernel's command line, without what depends on the
	// box: root= is added there.
	Options string `json:"options"`
	Kernel  Part   `json:"kernel"`
	Root    Part   `json:"root"`
}

// Part is one of the two files in it.
type Part struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hexadecimal
}

func (m Manifest) validate() error {
	var errs []error
	check := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New("manifest: "+what))
		}
	}
	printable := func(s string, most int) bool {
		return s != "" && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
	}
	sum := func(s string) bool {
		b, err := hex.DecodeString(s)
		return err == nil && len(b) == sha256.Size && strings.ToLower(s) == s
	}
	check(printable(m.Version, 64), "version")
	check(m.Counter > 0, "counter")
	check(printable(m.Options, 1024) && !strings.Contains(m.Options, "root="), "options")
	check(m.Kernel.Size > 0 && m.Kernel.Size <= MaxKernel && sum(m.Kernel.SHA256), "kernel")
	check(m.Root.Size > 0 && m.Root.Size <= MaxRoot && sum(m.Root.SHA256), "root")
	return errors.Join(errs...)
}

// Describe fills in sizes and hashes of the two parts.
func (m *Manifest) Describe(kernel, root io.Reader) error {
	for _, p := range []struct {
		part *Part
		r    io.Reader
	}{{&m.Kernel, kernel}, {&m.Root, root}} {
		h := sha256.New()
		n, err := io.Copy(h, p.r)
		if err != nil {
			return err
		}
		*p.part = Part{Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}
	}
	return m.validate()
}

// Sign writes the file. The parts must be those that the manifest describes;
// they are read twice.
func Sign(w io.Writer, key minisign.PrivateKey, m Manifest, kernel, root io.ReadSeeker) error {
	if err := m.validate(); err != nil {
		return err
	}
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	content := func() (io.Reader, error) {
		for _, s := range []io.Seeker{kernel, root} {
			if _, err := s.Seek(0, io.SeekStart); err != nil {
				return nil, err
			}
		}
		return io.MultiReader(bytes.NewReader(line), kernel, root), nil
	}
	c, err := content()
	if err != nil {
		return err
	}
	r := minisign.NewReader(c)
	n, err := io.Copy(io.Discard, r)
	if err != nil {
		return err
	}
	if want := int64(len(line)) + m.Kernel.Size + m.Root.Size; n != want {
		return fmt.Errorf("the parts have %d bytes, the manifest says %d", n, want)
	}
	text := r.SignWithComments(key, "version "+m.Version, comment)
	if c, err = content(); err != nil {
		return err
	}
	_, err = io.Copy(w, io.MultiReader(strings.NewReader(mark), bytes.NewReader(text), c))
	return err
}

// Reader reads the kernel and then the root file system of one file.
type Reader struct {
	Manifest Manifest

	key       minisign.PublicKey
	signature []byte
	signed    *minisign.Reader // all that the signature covers
	parts     [2]struct {
		left int64
		hash hash.Hash
		want string
	}
}

// Open reads the beginning of a file, which must be signed with one of the
// keys.
func Open(r io.Reader, keys []minisign.PublicKey) (*Reader, error) {
	// The lines are read without reading ahead: what follows is not ours.
	b := bufio.NewReaderSize(r, 4<<10)
	head := make([]byte, len(mark))
	if _, err := io.ReadFull(b, head); err != nil || string(head) != mark {
		if err != nil && !short(err) {
			return nil, err
		}
		return nil, errForeign
	}
	text, err := lines(b, 4, maxSignature)
	if err != nil {
		return nil, err
	}
	out := &Reader{signature: text}
	if out.key, err = signer(text, keys); err != nil {
		return nil, err
	}
	out.signed = minisign.NewReader(b)
	line, err := manifestLine(out.signed)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if err := d.Decode(&out.Manifest); err != nil {
		return nil, errDamaged
	}
	if err := out.Manifest.validate(); err != nil {
		return nil, fmt.Errorf("%w (%w)", errDamaged, err)
	}
	for i, p := range []Part{out.Manifest.Kernel, out.Manifest.Root} {
		out.parts[i].left, out.parts[i].hash, out.parts[i].want = p.Size, sha256.New(), p.SHA256
	}
	return out, nil
}

// signer finds who signed. The text must be written exactly as Sign does:
// else there were bytes in it that could be changed without anybody noticing.
func signer(text []byte, keys []minisign.PublicKey) (minisign.PublicKey, error) {
	var s minisign.Signature
	if err := s.UnmarshalText(text); err != nil || s.Algorithm != minisign.HashEdDSA || s.UntrustedComment != comment {
		return minisign.PublicKey{}, errDamaged
	}
	if again, err := s.MarshalText(); err != nil || !bytes.Equal(again, text) {
		return minisign.PublicKey{}, errDamaged
	}
	for _, k := range keys {
		if k.ID() == s.KeyID {
			return k, nil
		}
	}
	return minisign.PublicKey{}, &KeyError{s.KeyID}
}

func short(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// lines reads so many lines.
func lines(b io.ByteReader, count, most int) ([]byte, error) {
	var out []byte
	for count > 0 {
		c, err := b.ReadByte()
		if err != nil {
			if short(err) {
				return nil, errTruncated
			}
			return nil, err
		}
		if out = append(out, c); c == '\n' {
			count--
		}
		if len(out) > most {
			return nil, errDamaged
		}
	}
	return out, nil
}

// manifestLine reads it byte by byte, because the reader counts what it hands
// out as signed; below is a buffer.
func manifestLine(r io.Reader) ([]byte, error) { return lines(oneByOne{r}, 1, maxManifest) }

type oneByOne struct{ io.Reader }

func (o oneByOne) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(o, b[:])
	return b[0], err
}

// Read hands out the kernel, then the root file system, then io.EOF. An end
// that comes too early is an error.
func (r *Reader) Read(b []byte) (int, error) {
	for i := range r.parts {
		p := &r.parts[i]
		if p.left == 0 {
			continue
		}
		n, err := r.signed.Read(b[:min(int64(len(b)), p.left)])
		p.left -= int64(n)
		p.hash.Write(b[:n])
		if err != nil && short(err) {
			if err = nil; n == 0 {
				err = errTruncated
			}
		}
		return n, err
	}
	return 0, io.EOF
}

// Verify says whether all that was read is what the holder of the key signed.
// It is asked once Read has come to the end.
func (r *Reader) Verify() error {
	if n, err := io.ReadFull(r.signed, make([]byte, 1)); n > 0 {
		return errLonger
	} else if !short(err) {
		return err
	}
	for _, p := range r.parts {
		if p.left > 0 {
			return errTruncated
		}
	}
	if !r.signed.Verify(r.key, r.signature) {
		return errDamaged
	}
	// Signed hashes that do not fit would be a mistake of the signer.
	for _, p := range r.parts {
		if hex.EncodeToString(p.hash.Sum(nil)) != p.want {
			return errDamaged
		}
	}
	return nil
}

// Key is the one that the file claims to be signed with.
func (r *Reader) Key() minisign.PublicKey { return r.key }

// ParseKey reads a public key: minisign's file, or only its second line.
func ParseKey(text string) (minisign.PublicKey, error) {
	var k minisign.PublicKey
	text = strings.TrimSpace(text)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		text = strings.TrimSpace(text[i+1:])
	}
	if err := k.UnmarshalText([]byte(text)); err != nil {
		return k, fmt.Errorf("%.60q is no public key of minisign", text)
	}
	return k, nil
}
