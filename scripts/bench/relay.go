package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
)

// relay passes TCP connections on from one address to another until ctx ends:
// to a server that listens on the loopback of its namespace.
func relay(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: bench relay FROM TO")
	}
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		in, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		go func() {
			defer in.Close()
			out, err := net.Dial("tcp", args[1])
			if err != nil {
				fmt.Println("relay:", err) // the client sees its connection end
				return
			}
			defer out.Close()
			go func() {
				_, _ = io.Copy(out, in) // whichever way it ends, both do
				out.Close()
			}()
			_, _ = io.Copy(in, out)
		}()
	}
}
