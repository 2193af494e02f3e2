package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/backup"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/state"
)

// uploadLife is how long an uploaded backup waits for its passphrase.
const uploadLife = 15 * time.Minute

// uploaded is the one backup that waits to be restored.
type uploaded struct {
	mu      sync.Mutex
	file    []byte
	expires time.Time
}

func backupRoutes(p *Parts) []Route {
	made := send(http.MethodPost, "/api/v1/backup", api.Admin, "An encrypted backup of settings, people and certificates.", p.makeBackup)
	made.Download, made.Answer = "application/octet-stream", nil
	return []Route{
		made,
		upload(http.MethodPost, "/api/v1/restore", api.Owner, "Takes a backup; nothing changes before it is opened with PUT.", backup.MaxSize, p.takeBackup),
		send(http.MethodPut, "/api/v1/restore", api.Owner, "Opens the backup: looks into it (try), or makes the box what it says.", p.restore),
		person(send(http.MethodPost, "/api/v1/reset", api.Owner, "Makes the box forget its settings, or everything.", p.reset)),
	}
}

func (p *Parts) boxName() string {
	if s := p.Source.Status(); len(s.Names) > 0 {
		return s.Names[0]
	}
	return "meetbox"
}

func (p *Parts) makeBackup(_ *Call, q api.NewBackup) (File, error) {
	w, err := p.Store.Whole()
	if err != nil {
		return File{}, err
	}
	var b bytes.Buffer
	if err := backup.Write(&b, backup.New(p.now(), p.boxName(), p.Source.Status().Version, w), q.Passphrase); err != nil {
		return File{}, err
	}
	return File{Name: "meetbox-" + p.now().UTC().Format("2006-01-02") + ".backup", Body: &b}, nil
}

func (p *Parts) takeBackup(c *Call, r io.Reader) (out api.RestoreFile, err error) {
	c.Audited() // nothing changes
	file, err := io.ReadAll(r)
	if err != nil {
		return out, err
	}
	u := &p.uploaded
	u.mu.Lock()
	defer u.mu.Unlock()
	u.file, u.expires = file, p.now().Add(uploadLife)
	return api.RestoreFile{Size: int64(len(file)), Expires: u.expires.UTC()}, nil
}

func (p *Parts) restore(c *Call, q api.Restore) (out api.RestoreResult, err error) {
	c.Audited()
	u := &p.uploaded
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.file == nil || p.now().After(u.expires) {
		return out, problem(http.StatusConflict, "no-backup", "Upload the backup first; an uploaded one is forgotten after 15 minutes.")
	}
	d, err := backup.Read(u.file, q.Passphrase)
	if err != nil {
		return out, err
	}
	if out, err = p.inside(d); err != nil || q.Try {
		return out, err
	}
	var keep []string
	if !q.Network || p.Network != nil {
		keep = append(keep, "network")
	}
	if q.Network {
		if out.Pending, err = p.restoreNetwork(c, d, q.Cards); err != nil {
			return out, err
		}
	}
	if err := p.Store.Restore(c.Who, d.State, keep...); err != nil {
		if out.Pending != nil {
			err = errors.Join(err, p.Network.TakeBack(c.Context(), out.Pending.ID))
		}
		return out, err
	}
	u.file = nil
	out.Restored = true
	return out, p.Apply(c.Context())
}

// restoreNetwork tries the backup's network on this machine, with its own
// cards in the places of those that it does not have. It changes nothing but
// for the time in which it can be confirmed.
func (p *Parts) restoreNetwork(c *Call, d backup.Document, cards map[string]string) (*api.PendingNetwork, error) {
	n, err := networkOf(d)
	if err != nil || p.Network == nil {
		return nil, err
	}
	wrong := api.FieldErrors{}
	have := p.Network.Status().Ports
	for i := range n.Ports {
		card := &n.Ports[i].Card
		if to := cards[*card]; to != "" {
			if !isHere(have, to) {
				wrong.Add("cards."+*card, "This machine has no network card "+to+".")
			}
			*card = to
		} else if !isHere(have, *card) {
			wrong.Add("cards."+*card, "This machine has no network card "+*card+": say which of its own takes the place, or leave the network as it is.")
		}
	}
	if err := errors.Join(wrong.Err(), n.Validate()); err != nil {
		return nil, err
	}
	now, err := p.Store.Settings()
	if err != nil || reflect.DeepEqual(now.Settings.Network, n) {
		return nil, err
	}
	pending, err := p.Network.Propose(c.Context(), n, c.Who, nil, c.here())
	if err != nil {
		return nil, waiting(err)
	}
	return &pending, nil
}

// networkOf is the network in a backup.
func networkOf(d backup.Document) (n api.Network, err error) {
	if raw, ok := d.State.Settings["network"]; ok {
		err = json.Unmarshal(raw, &n)
	}
	return n, err
}

// isHere says whether a port of the machine has the card, by its name or MAC
// address.
func isHere(ports []api.PortStatus, card string) bool {
	return slices.ContainsFunc(ports, func(s api.PortStatus) bool {
		return s.VLAN == 0 && s.Card != "" && (s.Name == card || strings.EqualFold(s.Card, card))
	})
}

// inside says what a backup has in it, or why this box cannot use it.
func (p *Parts) inside(d backup.Document) (out api.RestoreResult, err error) {
	if _, err := d.State.Sections(); err != nil {
		return out, err
	}
	out = api.RestoreResult{Made: d.Made, Name: d.Name, Version: d.Version, Sections: slices.Sorted(maps.Keys(d.State.Settings)), Users: len(d.State.Users)}
	n, err := networkOf(d)
	if err != nil {
		return out, err
	}
	for _, port := range n.Ports {
		if !slices.ContainsFunc(out.Cards, func(c api.RestoreCard) bool { return c.Card == port.Card }) {
			out.Cards = append(out.Cards, api.RestoreCard{Card: port.Card, Here: p.Network != nil && isHere(p.Network.Status().Ports, port.Card)})
		}
	}
	owner := false
	for _, raw := range d.State.People {
		var a struct {
			Name string   `json:"name"`
			Role api.Role `json:"role"`
		}
		if err := json.Unmarshal(raw, &a); err != nil {
			return out, err
		}
		out.Accounts = append(out.Accounts, a.Name)
		owner = owner || a.Role == api.Owner
	}
	slices.Sort(out.Accounts)
	var pair state.Pair
	if err := json.Unmarshal(d.State.Certificates["authority"], &pair); err != nil {
		return out, errors.Join(errUnusable, err)
	}
	if _, err := certs.Load(pair); err != nil || !owner {
		return out, errors.Join(errUnusable, err)
	}
	out.Authority = certs.Fingerprint(pair.Certificate)
	out.Same = bytes.Equal(pair.Certificate, p.Source.Certificates().Authority.Raw)
	return out, nil
}

var errUnusable = problem(http.StatusUnprocessableEntity, "backup", "This backup has no owner or no authority in it, so it would leave the box unusable. Nothing was changed.")

func (p *Parts) reset(c *Call, q api.Reset) (None, error) {
	c.Audited()
	if q.Name != p.boxName() {
		return None{}, api.FieldErrors{"name": "Type the box's name, " + p.boxName() + ", to confirm."}
	}
	switch q.Depth {
	case api.ResetSettings:
		// The network stays: whoever resets would lose the way here.
		return None{}, errors.Join(p.Store.ResetSettings(c.Who, "network"), p.Apply(c.Context()))
	case api.ResetEverything:
	default:
		return None{}, api.FieldErrors{"depth": "Choose settings or everything."}
	}
	if err := p.Store.Reset(q.KeepAuthority); err != nil {
		return None{}, err
	}
	setCookie(c, "")
	if p.Erase == nil {
		return None{}, p.Apply(c.Context())
	}
	restart, err := p.Erase(q.KeepAuthority)
	if err != nil {
		return None{}, err
	}
	err = p.Apply(c.Context())
	restart() // not sooner: on a busy machine the answer would not get out
	return None{}, err
}
