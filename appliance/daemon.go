package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/accounts"
	"meetbox.local/appliance/internal/admin"
	"meetbox.local/appliance/internal/checks"
	"meetbox.local/appliance/internal/directory"
	"meetbox.local/appliance/internal/history"
	"meetbox.local/appliance/internal/network"
	"meetbox.local/appliance/internal/render"
	"meetbox.local/appliance/internal/secrets"
	"meetbox.local/appliance/internal/settings"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/internal/timeline"
	"meetbox.local/appliance/internal/update"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/appliance/kit/unit"
)

const (
	// How often the appliance looks by itself: for a certificate that is due,
	// and for addresses where the kernel does not report changes.
	lookEvery = 30 * time.Second
	// How often it tries again to tell a service that its settings changed,
	// and looks whether signaling has its port.
	nudgeEvery = time.Second
	// How long signaling may take from its start until it has its port.
	startTime = 10 * time.Second
)

// services in the order in which people should read about them.
var services = []string{"appliance", "signaling", "focus", "bridge", "web"}

// daemon keeps what is on disk in step with the machine. apply and nudge run
// on run's goroutine only; mu guards what the admin API reads meanwhile.
type daemon struct {
	u         *unit.Unit
	log       *slog.Logger
	set       settings.Settings
	store     *state.Store
	people    *accounts.Book
	directory *directory.Service
	site      *site
	history   *history.History // nil where it cannot be kept
	timeline  *timeline.Timeline
	checks    *checks.Box
	changed   chan struct{}   // names, addresses or the time are others
	asked     chan chan error // by the admin API: put into effect what changed
	addresses func() ([]network.Address, error)
	now       func() time.Time
	machine   *machine // nil on a developer's machine

	xmppPort int
	silent   int // times in a row that signaling's port was taken and nobody answered for it
	updates  *update.Manager
	calling  sync.Mutex      // held during a call to itself
	pending  map[string]bool // services that must read their settings again and have not been told

	mu     sync.Mutex
	status api.Status
	leaves admin.Leaves
}

func run(ctx context.Context, u *unit.Unit, raw *settings.Raw, onBox bool) error {
	set, err := raw.Settings()
	if err != nil {
		return err
	}
	if u.State == "" {
		return errors.New("no state folder: give -state")
	}
	var b *machine
	if onBox {
		if b, err = newMachine(u.State, u.Log); err != nil {
			return err
		}
	}
	store, err := state.Open(u.State, onBox)
	if err != nil {
		if b != nil {
			b.explain(ctx, u, err)
		}
		return err
	}
	d := newDaemon(u, set, store)
	d.machine = b
	if b != nil {
		b.connect(d, store, u.Log)
		b.care.connect(d)
	}
	return errors.Join(d.run(ctx), store.Close())
}

func newDaemon(u *unit.Unit, set settings.Settings, store *state.Store) *daemon {
	people, outside := accounts.New(store, time.Now), directory.New(store, time.Now)
	people.Outside = outside
	return &daemon{
		u:         u,
		log:       u.Log,
		set:       set,
		store:     store,
		people:    people,
		directory: outside,
		site:      newSite(),
		asked:     make(chan chan error),
		changed:   make(chan struct{}, 1),
		addresses: network.Addresses,
		now:       time.Now,
		pending:   map[string]bool{},
		status:    api.Status{Version: version(), Go: runtime.Version(), Schema: store.Schema(), Started: time.Now()},
	}
}

func (d *daemon) control(service string) string {
	return filepath.Join(d.u.Run, "ctl", service+".sock")
}

func (d *daemon) run(ctx context.Context) error {
	for _, s := range services[1:] {
		// A predecessor may have been killed between writing and telling.
		if _, err := os.Stat(filepath.Join(d.u.Run, s+".json")); err == nil {
			d.pending[s] = true
		}
	}
	if err := d.apply(ctx); err != nil {
		return err
	}
	var err error
	if d.updates, err = d.newUpdates(); err != nil {
		return err
	}
	d.history = d.openHistory()
	follow, err := d.openTimeline()
	if err != nil {
		return err
	}
	defer follow.Folder.Close()
	d.u.Handle("GET /setup-code", http.HandlerFunc(d.showCode))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { cancel(d.serve(ctx)) })
	wg.Go(func() { d.watch(ctx, d.changed) })
	wg.Go(func() { d.runSite(ctx) })
	wg.Go(func() { d.runHistory(ctx) })
	wg.Go(func() { follow.Run(ctx) })
	wg.Go(func() { d.updates.Run(ctx) })
	if d.machine != nil {
		wg.Go(func() { d.machine.run(ctx, d) })
	}
	d.loop(ctx, d.changed)
	wg.Wait()
	if err := d.store.SafeCopy(true); err != nil {
		d.log.Error("no safe copy", "err", err)
	}
	return context.Cause(ctx)
}

// watch reports changes of the network until ctx ends. Where the kernel
// cannot be watched, or lost count of what it had to tell, loop's own looking
// bridges the time until the next attempt.
func (d *daemon) watch(ctx context.Context, changed chan<- struct{}) {
	for {
		err := network.Watch(ctx, func() {
			select {
			case changed <- struct{}{}:
			default: // the one waiting will see this change too
			}
		})
		if ctx.Err() != nil {
			return
		}
		d.log.Debug("network not watched, looking now and then instead", "err", err, "every", lookEvery)
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
	}
}

// loop applies whenever something may have changed, until ctx ends.
func (d *daemon) loop(ctx context.Context, changed <-chan struct{}) {
	look, nudge := time.NewTicker(lookEvery), time.NewTicker(nudgeEvery)
	defer look.Stop()
	defer nudge.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-nudge.C:
			d.nudge(ctx)
			if !d.portLost(ctx) {
				continue
			}
		case <-look.C:
			if err := d.store.SafeCopy(false); err != nil {
				d.log.Error("no safe copy", "err", err)
			}
		case <-changed:
		case <-d.u.Reload:
		case answer := <-d.asked:
			answer <- d.renew(ctx)
			// Somebody changed something: should the file be damaged one day,
			// this is the state to come back to.
			if err := d.store.SafeCopy(true); err != nil {
				d.log.Error("no safe copy", "err", err)
			}
			continue
		}
		_ = d.renew(ctx) // it is in the log; the next look tries again
	}
}

func (d *daemon) renew(ctx context.Context) error {
	err := d.apply(ctx)
	select {
	case d.site.kick <- struct{}{}:
	default: // it is about to look
	}
	if err != nil && ctx.Err() == nil {
		d.log.Error("settings not renewed, the old ones stay", "err", err)
		d.u.SetHealth(false, err.Error())
	}
	return err
}

// applyNow has the loop put into effect what is in the store, and waits.
func (d *daemon) applyNow(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case d.asked <- answer:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// serve answers the admin API until ctx ends.
func (d *daemon) serve(ctx context.Context) error {
	l, err := ctl.Listen(d.u.Socket("appliance"))
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler:           d.admin(),
		ReadHeaderTimeout: 5 * time.Second,
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin API: %w", err)
	}
	return nil
}

// admin is the handler of the admin API.
func (d *daemon) admin() http.Handler {
	parts := &admin.Parts{
		Log:      d.log,
		Source:   d,
		Services: services,
		Control:  d.control,
		Store:    d.store,
		Accounts: d.people,

		Directory: d.directory,
		Apply:     d.applyNow,
		Now:       d.now,

		Proofs:      &d.site.answers,
		SiteProblem: d.site.Problem,
		Erase:       d.erase,
		LogDir:      d.logDir(),
		History:     d.history,
		Timeline:    d.timeline,
		Checks:      d.checks,
		Ports:       admin.Ports{HTTPS: d.set.HTTPSPort, HTTP: d.set.HTTPPort, Admin: d.set.AdminPort},
		Updates:     d.updates,
		SelfCall:    d.selfCall,
	}
	if d.machine != nil {
		d.machine.parts(parts)
	}
	return admin.Handler(parts)
}

// logDir is where the services' output is kept.
func (d *daemon) logDir() string {
	if d.machine != nil {
		return "/run/log" // process 1 writes it, in RAM
	}
	return filepath.Join(d.u.State, "log") // the process runner
}

// showCode answers on the control socket, which only the machine's owner can
// open, with the setup code.
func (d *daemon) showCode(w http.ResponseWriter, _ *http.Request) {
	code, err := d.people.SetupCode()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, code)
}

// apply makes the whole wanted state: secrets, certificates, settings files.
// Run twice it changes nothing the second time.
func (d *daemon) apply(ctx context.Context) error {
	found, err := d.addresses()
	if err != nil {
		return err
	}
	in, err := d.input(ctx, found)
	if err != nil {
		return err
	}
	if err := d.certificates(&in); err != nil {
		return err
	}
	changed, err := render.Files(in)
	if err != nil {
		return err
	}
	for _, s := range changed {
		d.pending[s] = true
	}
	if len(changed) > 0 {
		d.log.Info("settings changed", "services", changed)
	}
	d.publish(in)
	d.nudge(ctx)
	detail := "settings rendered"
	if notes := d.store.Notes(); len(notes) > 0 {
		detail += "; " + notes[0]
	}
	d.u.SetHealth(true, detail)
	return nil
}

// input gathers what the files are made from, making what a new box lacks.
func (d *daemon) input(ctx context.Context, found []network.Address) (render.Input, error) {
	in := render.Input{
		Run:       d.u.Run,
		HTTPSPort: d.set.HTTPSPort,
		HTTPPort:  d.set.HTTPPort,
		AdminPort: d.set.AdminPort,
		MediaPort: d.set.MediaPort,
		Media:     d.set.MediaAddrs,
		Names:     network.Names(),
	}
	if d.machine != nil {
		in.Groups = d.machine.groups
	}
	for _, a := range found {
		in.Addresses = append(in.Addresses, a.Addr)
	}
	switch {
	case d.machine != nil:
		in.Media = offered(in.Addresses, d.set.MediaAddrs)
	case len(in.Media) == 0:
		in.Media = in.Addresses
	}
	var err error
	if in.XMPPPort, err = d.chooseXMPPPort(ctx); err != nil {
		return in, err
	}
	d.xmppPort = in.XMPPPort
	if in.Focus, err = d.account(render.FocusUser); err != nil {
		return in, err
	}
	if in.Bridge, err = d.account(render.BridgeUser); err != nil {
		return in, err
	}
	id, ok, err := d.store.BridgeID()
	if err == nil && !ok {
		id = secrets.BridgeID()
		err = d.store.PutBridgeID(id)
	}
	in.BridgeID = id
	if err != nil {
		return in, err
	}
	if in.Users, err = d.store.Users(); err != nil {
		return in, err
	}
	if in.Tokens, err = d.store.TokenSecret(); err != nil {
		return in, err
	}
	if in.TURN, err = d.store.TURNSecret(); err != nil {
		return in, err
	}
	kept, err := d.store.Settings()
	if err == nil {
		in.Planned, err = d.store.Planned()
	}
	in.Rooms, in.Hosts, in.Now = kept.Settings.Rooms, kept.Settings.Directory.LDAP.Hosts.Allowed, d.now()
	if d.machine != nil {
		d.machine.follows(kept.Settings, &in)
	}
	return in, err
}

func (d *daemon) account(user string) (state.Account, error) {
	a, ok, err := d.store.Account(user)
	if err != nil || ok {
		return a, err
	}
	if a, err = secrets.Account(user); err != nil {
		return a, err
	}
	return a, d.store.PutAccount(a)
}

// nudge tells the services that are due to read their settings again; one
// that does not answer is asked again later, because it may have read the old
// file just before it went silent.
func (d *daemon) nudge(ctx context.Context) {
	for s := range d.pending {
		ctx, cancel := context.WithTimeout(ctx, nudgeEvery)
		err := ctl.PostReload(ctx, d.control(s))
		cancel()
		if err == nil {
			delete(d.pending, s)
		}
	}
}
