package convo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Find takes the first element that like does not object to, wherever it is
// among what waits and what comes; the others wait.
func (c *Client) Find(ctx context.Context, like func(*Node) error) error {
	for i, n := range c.kept {
		if like(n) == nil {
			c.kept = slices.Delete(c.kept, i, i+1)
			return nil
		}
	}
	for {
		n, err := c.receive(ctx)
		if err != nil {
			return fmt.Errorf("it did not come: %w\nthere is\n%s", err, c.waiting())
		}
		if like(n) == nil {
			return nil
		}
		c.kept = append(c.kept, n)
	}
}

var errCame = errors.New("it came")

// Never is content when like objects to everything that waits, and to all
// that comes up to the answer to a ping.
func (c *Client) Never(ctx context.Context, like func(*Node) error) error {
	answers, err := c.ping(ctx)
	if err != nil {
		return err
	}
	for {
		n, err := c.receive(ctx)
		if err != nil {
			return err
		}
		if answers(n) {
			break
		}
		c.kept = append(c.kept, n)
	}
	for _, n := range c.kept {
		if like(n) == nil {
			return fmt.Errorf("%w: %s", errCame, n.Source)
		}
	}
	return nil
}

func (c *Client) waiting() string {
	var b strings.Builder
	for _, n := range c.kept {
		b.WriteString(n.Source + "\n")
	}
	return b.String()
}
