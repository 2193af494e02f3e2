package client

import (
	"context"
	"errors"
	"sync"

	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

// Request is an iq of type get or set that waits for its answer.
type Request struct {
	stanza.IQ
	c    *Client
	once sync.Once
}

// Reply answers with a result; payload may be nil. Only the first answer to a
// request is sent, and none when the session is gone.
func (r *Request) Reply(payload any) {
	r.once.Do(func() {
		var children []stanza.Element
		if payload != nil {
			var err error
			if children, err = stanza.Encode(payload); err != nil {
				r.c.log.Error("answer not encoded", "err", err)
				r.send(stanza.IQ{Type: stanza.Failed, Error: stanza.NewError(stanza.InternalServerError, "")})
				return
			}
		}
		r.send(stanza.IQ{Type: stanza.Result, Children: children})
	})
}

// Fail answers with an error: with err itself when it is a *stanza.Error,
// else with internal-server-error and its text.
func (r *Request) Fail(err error) {
	e, ok := errors.AsType[*stanza.Error](err)
	if !ok {
		e = stanza.NewError(stanza.InternalServerError, err.Error())
	}
	r.once.Do(func() { r.send(stanza.IQ{Type: stanza.Failed, Error: e}) })
}

func (r *Request) send(q stanza.IQ) {
	q.To, q.ID = r.From, r.ID
	if err := r.c.Send(q); err != nil {
		r.c.log.Debug("answer not sent", "jid", r.From.String(), "err", err)
	}
}

// InOrder makes a Handler.IQ of a function that may block: the requests of
// one sender are answered one after the other, those of several at once. The
// goroutines end when their sender has nothing waiting.
func InOrder(ctx context.Context, f func(context.Context, stanza.IQ) (any, error)) func(*Request) {
	var mu sync.Mutex
	waiting := make(map[jid.JID][]*Request) // present while its goroutine runs
	serve := func(from jid.JID) {
		for {
			mu.Lock()
			queue := waiting[from]
			if len(queue) == 0 {
				delete(waiting, from)
				mu.Unlock()
				return
			}
			r := queue[0]
			waiting[from] = queue[1:]
			mu.Unlock()
			payload, err := f(ctx, r.IQ)
			if err != nil {
				r.Fail(err)
			} else {
				r.Reply(payload)
			}
		}
	}
	return func(r *Request) {
		mu.Lock()
		defer mu.Unlock()
		queue, running := waiting[r.From]
		waiting[r.From] = append(queue, r)
		if !running {
			go serve(r.From)
		}
	}
}
