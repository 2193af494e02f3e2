package convo

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// paper is a wire that has said all it will, but answers pings.
type paper struct{ said []string }

func (p *paper) Open(context.Context, string) (*Node, error) { return nil, nil }
func (p *paper) Close(context.Context) error                 { return nil }
func (p *paper) Cut()                                        {}

func (p *paper) Send(_ context.Context, text string) error {
	n, err := Parse(text)
	if err == nil && n.Find("urn:xmpp:ping", "ping") != nil {
		p.said = append(p.said, `<iq xmlns="jabber:client" type="result" id="`+n.Attrs["id"]+`"/>`)
	}
	return err
}

func (p *paper) Receive(context.Context) (*Node, error) {
	if len(p.said) == 0 {
		return nil, errors.New("no more")
	}
	text := p.said[0]
	p.said = p.said[1:]
	return Parse(text)
}

// TestFind: what was not looked for waits, in its order, and counts as come.
func TestFind(t *testing.T) {
	t.Parallel()
	c := &Client{wire: &paper{said: []string{"<a/>", "<b/>", "<c/>", "<d/>"}}}
	is := func(name string) func(*Node) error {
		return func(n *Node) error {
			if n.Name.Local != name {
				return errors.New("another")
			}
			return nil
		}
	}
	ctx := t.Context()
	if err := c.Find(ctx, is("c")); err != nil {
		t.Error(err)
	}
	if err := c.Never(ctx, is("e")); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"a", "d"} { // before, and after what was found
		if err := c.Never(ctx, is(name)); !errors.Is(err, errCame) {
			t.Errorf("%s has not come: %v", name, err)
		}
	}
	if err := c.Find(ctx, is("b")); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"a", "d"} {
		if n, err := c.Next(ctx); err != nil || n.Name.Local != want {
			t.Errorf("next is %v, %v; want %s", n, err, want)
		}
	}
	if err := c.Silent(ctx); err != nil {
		t.Error(err)
	}
	if err := c.Find(ctx, is("a")); err == nil || !strings.Contains(err.Error(), "no more") {
		t.Errorf("found twice: %v", err)
	}
}
