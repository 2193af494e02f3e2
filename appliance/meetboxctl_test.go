package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/kit/ctl"
)

// TestMeetboxctl does what the setup wizard does, without a browser.
func TestMeetboxctl(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ca := filepath.Join(w.dir, "run", "tls", "ca.crt")
	config := filepath.Join(t.TempDir(), "meetboxctl.json")
	// do runs one command, as a script would.
	do := func(exit int, stdin string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(w.bin, "meetboxctl"), append([]string{"-config", config}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		var out, wrong bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &wrong
		err := cmd.Run()
		code := 0
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			code = e.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != exit {
			t.Errorf("meetboxctl %s: exit code %d, %s%s", strings.Join(args, " "), code, out.String(), wrong.String())
		}
		return out.String() + wrong.String()
	}
	has := func(text, part string) {
		t.Helper()
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %s", part, text)
		}
	}
	raw, err := ctl.Fetch(t.Context(), w.control("appliance"), "/setup-code")
	if err != nil {
		t.Fatal(err)
	}
	code := strings.TrimSpace(string(raw))
	has(do(2, "", "fly"), "no command")
	has(do(2, "", "get", "status"), "MEETBOX_URL")
	has(do(3, "", "-url", w.origin, "get", "setup"), "-ca")
	has(do(3, "", "-url", "https://127.0.0.1:1", "-ca", ca, "get", "setup"), "refused")
	has(do(2, "", "routs"), "did you mean routes?")
	has(do(2, "", "-json", "get", "status"), `"code": "usage"`)
	has(do(0, "", "help"), "Exit codes")
	has(do(0, "", "help", "set-network"), "-at")
	has(do(0, "", "help", "-json"), `"recovery-codes"`)
	// Whom one trusts for the first time is compared with the screen.
	shown := regexp.MustCompile(`[0-9A-F]{2}(:[0-9A-F]{2}){31}`).FindString(do(2, "", "trust", "-url", w.origin))
	do(2, "", "trust", "-url", w.origin, "-fingerprint", strings.Repeat("AB", 32))
	has(do(0, "", "trust", "-url", w.origin, "-fingerprint", shown), shown)
	has(do(0, "", "-url", w.origin, "get", "setup"), `"claimed": false`)
	has(do(1, "correct horse battery\n", "claim", "-url", w.origin, "-ca", ca, "-code", "0000-000", "-name", "Ada"), `"code": "invalid"`)
	var made api.Claimed
	if err := json.Unmarshal([]byte(do(0, "correct horse battery\n", "claim", "-url", w.origin, "-ca", ca, "-code", code, "-name", "Ada")), &made); err != nil || len(made.Recovery) != 8 {
		t.Fatalf("claimed: %+v, %v", made, err)
	}
	if info, err := os.Stat(config); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v, %v", info, err)
	}

	// From here on the token does.
	has(do(0, "", "get", "setup"), `"claimed": true`)
	has(do(0, "", "set", "settings/console", "idle_minutes=90"), `"idle_minutes": 90`)
	has(do(1, "", "set", "settings/console", "idle_minutes=soon"), "idle_minutes")
	has(do(1, "", "set", "settings/console", "colour=red"), "There is no such field")
	has(do(0, "", "set", "settings/directory", `ldap={"url": "ldaps://dc.example.org", "base": "dc=example,dc=org", "hosts": {"allowed": true, "groups": ["staff"]}}`), `"staff"`)
	has(do(1, "", "set", "settings/directory", `ldap={"hosts": {"allowed": true}}`), "ldap.url")
	has(do(0, "", "get", "revisions"), `"section": "console"`)
	has(do(0, "", "get", "certificates"), `"source": "own"`)
	has(do(0, "", "post", "certificates/request", `names=["meet.site.example"]`), "BEGIN CERTIFICATE REQUEST")
	has(do(0, "", "routes"), "settings/network")
	has(do(0, "", "routes", "-json"), `"path": "settings/network"`)
	has(do(0, "", "completion"), "complete -o default -F _meetboxctl")
	do(2, "", "completion", "tcsh")
	// What only a person may do, for this command alone.
	has(do(4, "", "get", "sessions"), "person-needed")
	has(do(0, "correct horse battery\n", "get", "sessions", "-as", "Ada"), `"account": "Ada"`)
	has(do(0, "correct horse battery\n", "-as", "Ada", "post", "accounts", "name=Ben", "role=viewer", "password=another horse battery"), `"role": "viewer"`)
	has(do(0, "correct horse battery\n", "recovery-codes", "-as", "Ada"), `"codes"`)
	do(2, "", "recovery-codes")
	has(do(1, "", "set-network", `dns=["192.0.2.1"]`), "only-on-the-box")
	// Somebody else was faster, between reading and writing.
	has(do(1, "", "put", "settings/console", "idle_minutes=1"), "idle_minutes")
	backup := filepath.Join(t.TempDir(), "box.backup")
	do(0, "", "download", "backup", backup, "passphrase=four words in a row")
	has(do(0, "", "upload", "restore", backup), `"size"`)
	has(do(1, "", "put", "restore", "passphrase=other words in a row"), "not the passphrase")
	has(do(0, "", "put", "restore", "passphrase=four words in a row", "try=true"), `"same": true`)
	log := filepath.Join(t.TempDir(), "audit.jsonl")
	do(0, "", "download", "audit.jsonl", log)
	do(1, "", "download", "audit.jsonl", log) // never over another file
	if b, err := os.ReadFile(log); err != nil || !bytes.Contains(b, []byte("box claimed")) {
		t.Errorf("%s, %v", b, err)
	}
	has(do(4, "wrong\n", "sign-in", "-name", "Ada"), `"code": "wrong"`)
	has(do(0, "correct horse battery\n", "sign-in", "-name", "Ada"), `"role": "owner"`)
	has(do(0, "", "get", "logs?limit=1"), `"lines"`)
}
