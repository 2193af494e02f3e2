package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// flagTexts are the flags, and what they are for.
var flagTexts = map[string]string{
	"url":         "the console's address, as in https://meetbox.local:8443",
	"ca":          "file with the box's authority",
	"config":      "file in which address and token are kept",
	"json":        "everything in JSON, help and errors too",
	"name":        "of an account: claim, sign-in, setup",
	"code":        "the setup code on the box's screen: claim, setup",
	"one-time":    "six digits of an authenticator: sign-in, -as",
	"as":          "somebody signs in for this command alone; the password comes on the standard input",
	"host":        "the box's name: setup",
	"trust":       "where the authority is written to: setup",
	"codes":       "where the recovery codes are written to: setup",
	"fingerprint": "SHA-256 on the box's screen: trust, setup",
	"at":          "the console's new address: set-network",
}

func (c *call) flags() (fl *flag.FlagSet, address, ca *string) {
	home, err := os.UserConfigDir()
	if err != nil {
		home = "."
	}
	fl = flag.NewFlagSet("meetboxctl", flag.ContinueOnError)
	fl.SetOutput(io.Discard)
	address, ca = fl.String("url", "", ""), fl.String("ca", "", "")
	fl.StringVar(&c.config, "config", filepath.Join(home, "meetboxctl.json"), "")
	fl.BoolVar(&c.json, "json", false, "")
	for name, to := range map[string]*string{
		"name": &c.name, "code": &c.code, "one-time": &c.oneTime, "as": &c.as,
		"host": &c.host, "trust": &c.trust, "codes": &c.codes, "fingerprint": &c.fingerprint, "at": &c.at,
	} {
		fl.StringVar(to, name, "", "")
	}
	return fl, address, ca
}

// interleaved takes the flags out of what follows a command, wherever they
// stand; "--" ends them.
func interleaved(fl *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := fl.Parse(args); err != nil {
			return nil, err
		}
		if fl.NArg() == 0 {
			return rest, nil
		}
		if used := len(args) - fl.NArg(); used > 0 && args[used-1] == "--" {
			return append(rest, fl.Args()...), nil
		}
		rest, args = append(rest, fl.Arg(0)), fl.Args()[1:]
	}
}

// print shows a value as JSON.
func (c *call) print(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.show(b)
}

// help lists the commands, or explains one.
func (c *call) help(about []string) error {
	all := commands()
	if len(about) > 0 {
		cmd, ok := all[about[0]]
		if !ok {
			return fmt.Errorf("%w: there is no command %q%s; meetboxctl help lists them", errUsage, about[0], nearest(about[0]))
		}
		all = map[string]command{about[0]: cmd}
	}
	if c.json {
		out := map[string]any{}
		for name, cmd := range all {
			out[name] = map[string]string{"arguments": cmd.args, "text": cmd.help}
		}
		return c.print(map[string]any{"commands": out, "flags": flagTexts})
	}
	var b strings.Builder
	if len(about) == 0 {
		b.WriteString("meetboxctl [FLAG…] COMMAND [ARGUMENT…]\n\n")
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "  %-34s %s\n", strings.TrimSpace(name+" "+all[name].args), all[name].help)
	}
	b.WriteString("\nFlags:\n")
	for _, name := range slices.Sorted(maps.Keys(flagTexts)) {
		fmt.Fprintf(&b, "  %-34s %s\n", "-"+name, flagTexts[name])
	}
	b.WriteString("\nExit codes: 0 done, 1 refused or failed, 2 misused, 3 the box does not answer or is not trusted,\n4 not signed in or not allowed, 5 somebody else was faster.\n")
	_, err := io.WriteString(c.stdout, b.String())
	return err
}

// nearest is a command that was perhaps meant.
func nearest(name string) string {
	for _, c := range slices.Sorted(maps.Keys(commands())) {
		if len(name) > 2 && (strings.HasPrefix(c, name[:3]) || strings.Contains(c, name)) {
			return " (did you mean " + c + "?)"
		}
	}
	return ""
}
