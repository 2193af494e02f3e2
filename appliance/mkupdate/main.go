// Command mkupdate makes update files, and the keys that they are signed with.
//
//	mkupdate key FILE            a new secret key in FILE, its public one in FILE.pub
//	mkupdate sign -key FILE -version V -counter N -kernel F -root F -options "…" -o OUT
//	mkupdate public FILE         the public key of a secret one, on one line
//	mkupdate check -key PUB… FILE   what a box that trusts these keys makes of an update file
//
// Secret keys are minisign's. One with a password is asked for it on the
// standard input. It runs where images are built, never on a box.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"aead.dev/minisign"

	"meetbox.local/appliance/internal/bundle"
)

var errUsage = errors.New("usage: mkupdate key|public FILE, mkupdate sign|check -help")

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mkupdate:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) < 2 {
		return errUsage
	}
	switch args[0] {
	case "key":
		return makeKey(args[1])
	case "public":
		key, err := secret(args[1], stdin)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, key.Public())
		return err
	case "sign":
		return sign(args[1:], stdin)
	case "check":
		return check(args[1:], stdout)
	}
	return errUsage
}

// makeKey never writes over a key.
func makeKey(name string) error {
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	text, err := private.MarshalText()
	if err != nil {
		return err
	}
	if err := create(name, text, 0o600); err != nil {
		return err
	}
	if text, err = public.MarshalText(); err != nil {
		return err
	}
	return create(name+".pub", append(text, '\n'), 0o644)
}

func create(name string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

func secret(name string, stdin io.Reader) (minisign.PrivateKey, error) {
	var key minisign.PrivateKey
	text, err := os.ReadFile(name)
	if err != nil {
		return key, err
	}
	if minisign.IsEncrypted(text) {
		fmt.Fprintf(os.Stderr, "password of %s: ", name)
		password, err := bufio.NewReader(stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return key, err
		}
		if key, err = minisign.DecryptKey(strings.TrimRight(password, "\r\n"), text); err != nil {
			return key, fmt.Errorf("%s: wrong password, or no secret key of minisign", name)
		}
		return key, nil
	}
	if err := key.UnmarshalText(text); err != nil {
		return key, fmt.Errorf("%s is no secret key of minisign", name)
	}
	return key, nil
}

func sign(args []string, stdin io.Reader) (err error) {
	var m bundle.Manifest
	fl := flag.NewFlagSet("mkupdate sign", flag.ContinueOnError)
	keyName := fl.String("key", "", "secret key `file`")
	kernelName := fl.String("kernel", "", "kernel `file`")
	rootName := fl.String("root", "", "squashfs `file`")
	out := fl.String("o", "", "`file` to write")
	fl.StringVar(&m.Version, "version", "", "`name` of the version")
	fl.Uint64Var(&m.Counter, "counter", 0, "`number` that grows with each release")
	fl.Uint64Var(&m.Minimum, "minimum", 0, "`number` that a box must have reached")
	fl.StringVar(&m.Options, "options", "", "for the kernel's command line, without root=")
	if err := fl.Parse(args); err != nil {
		return err
	}
	key, err := secret(*keyName, stdin)
	if err != nil {
		return err
	}
	kernel, err := os.Open(*kernelName)
	if err != nil {
		return err
	}
	defer kernel.Close()
	root, err := os.Open(*rootName)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := m.Describe(kernel, root); err != nil {
		return err
	}
	f, err := os.Create(*out)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(*out)
		}
	}()
	return bundle.Sign(f, key, m, kernel, root)
}

func check(args []string, stdout io.Writer) error {
	var keys []minisign.PublicKey
	fl := flag.NewFlagSet("mkupdate check", flag.ContinueOnError)
	fl.Func("key", "public key, or a `file` with one (any number of times)", func(s string) error {
		if b, err := os.ReadFile(s); err == nil {
			s = string(b)
		}
		k, err := bundle.ParseKey(s)
		keys = append(keys, k)
		return err
	})
	if err := fl.Parse(args); err != nil {
		return err
	}
	f, err := os.Open(fl.Arg(0))
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := bundle.Open(f, keys)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	if err := r.Verify(); err != nil {
		return err
	}
	e := json.NewEncoder(stdout)
	e.SetIndent("", "  ")
	return e.Encode(r.Manifest)
}
