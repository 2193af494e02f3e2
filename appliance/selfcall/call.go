package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"meetbox.local/appliance/api"
)

// enough packets of each kind show that they flow: some tenths of a second.
const enough = 10

// call lets two participants meet and reports how it went.
func call(ctx context.Context, d *door) (report api.SelfCall) {
	defer d.client.CloseIdleConnections()
	report.Steps, report.Audio, report.Video = []api.SelfCallStep{}, []int{0, 0}, []int{0, 0}
	ctx, cancel := context.WithCancelCause(ctx)
	room := "selfcall-" + strings.ToLower(rand.Text()) // nobody guesses it
	both := []*participant{newParticipant(d, "one", room), newParticipant(d, "two", room)}
	var wg sync.WaitGroup
	defer func() {
		for i, p := range both {
			report.Audio[i], report.Video[i] = p.heard()
			p.leave()
		}
		cancel(nil)
		wg.Wait()
	}()
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"page", d.page},
		{"signaling", each(both, func(p *participant, ctx context.Context) error {
			if err := p.login(ctx); err != nil {
				return err
			}
			wg.Go(func() { p.receive(ctx, cancel) })
			return nil
		})},
		{"focus", each(both, (*participant).request)},
		{"room", each(both, (*participant).enter)},
		{"invitation", each(both, (*participant).invited)},
		{"bridge", each(both, func(p *participant, ctx context.Context) error { return p.connect(ctx, &wg) })},
		{"media", func(ctx context.Context) error { return flowing(ctx, both) }},
	}
	for _, s := range steps {
		begun := time.Now()
		err := s.do(ctx)
		if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err())) {
			// The cause says more than that it ended.
			err = errors.Join(context.Cause(ctx), waiting(err))
		}
		step := api.SelfCallStep{Name: s.name, OK: err == nil, Milliseconds: time.Since(begun).Milliseconds()}
		if err != nil {
			step.Detail = strings.ReplaceAll(err.Error(), "\n", "; ")
			report.Error = fmt.Sprintf("%s: %s", describe(s.name), step.Detail)
		}
		report.Steps = append(report.Steps, step)
		if err != nil {
			return report
		}
	}
	report.OK = true
	return report
}

// describe is what a step that failed means for people.
func describe(step string) string {
	switch step {
	case "page":
		return "the web server does not serve the start page"
	case "signaling":
		return "nobody can sign in with the signaling service"
	case "focus":
		return "the focus does not set up a meeting"
	case "room":
		return "the meeting's room cannot be entered"
	case "invitation":
		return "the focus does not invite anybody to the bridge"
	case "bridge":
		return "no connection to the bridge comes about"
	}
	return "sound or pictures do not get through the bridge"
}

// waiting says what an operation that was ended by its context waited for.
func waiting(err error) error {
	if w, ok := errors.AsType[*waitError](err); ok {
		return w
	}
	return nil
}

// waitError is something that did not come in time.
type waitError struct {
	what string
	err  error
}

func (w *waitError) Error() string { return "no " + w.what }
func (w *waitError) Unwrap() error { return w.err }

// each does something for both at the same time.
func each(both []*participant, do func(*participant, context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		errs := make([]error, len(both))
		var wg sync.WaitGroup
		for i, p := range both {
			wg.Go(func() { errs[i] = do(p, ctx) })
		}
		wg.Wait()
		for _, err := range errs { // mostly the same one twice
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// await returns the next value of a channel.
func await[T any](ctx context.Context, what string, ch <-chan T) (T, error) {
	select {
	case v := <-ch:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, &waitError{what, ctx.Err()}
	}
}

// flowing waits until each got enough from the other.
func flowing(ctx context.Context, both []*participant) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		lacking := ""
		for _, p := range both {
			audio, video := p.heard()
			if audio < enough {
				lacking = fmt.Sprintf("enough sound: participant %s got %d packets of %d", p.name, audio, enough)
			} else if video < enough {
				lacking = fmt.Sprintf("enough of a picture: participant %s got %d packets of %d", p.name, video, enough)
			}
		}
		if lacking == "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return &waitError{lacking, ctx.Err()}
		}
	}
}
