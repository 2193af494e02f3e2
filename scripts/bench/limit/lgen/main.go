// Command lgen is the source and sink of the limit programs: n participants
// that send the base media as SRTP and count what comes back. It decrypts one
// packet in 64 with pion to check that the forwarder did its work.
package main

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"meetbox.local/scripts/bench/limit/lk"

	"github.com/pion/srtp/v3"
	"golang.org/x/net/ipv4"
)

func main() {
	n := flag.Int("n", 8, "participants")
	secs := flag.Int("secs", 8, "how long")
	cm := flag.Bool("cm80", false, "AES-CM-HMAC-SHA1-80 instead of AES-128-GCM")
	none := flag.Bool("none", false, "do not verify")
	flag.Parse()
	prof, sl := srtp.ProtectionProfileAeadAes128Gcm, 12
	if *cm {
		prof, sl = srtp.ProtectionProfileAes128CmHmacSha1_80, 14
	}
	ra, _ := net.ResolveUDPAddr("udp4", lk.FwdAddr)
	var got, good, bad atomic.Uint64
	var sent uint64
	type part struct {
		c     *net.UDPConn
		x     *srtp.Context
		seq   [2]uint16
		ts    uint32
		nextA time.Time
		nextV time.Time
	}
	ps := make([]*part, *n)
	start := time.Now().Add(200 * time.Millisecond)
	for i := range ps {
		c, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.ParseIP(lk.GenIP), Port: lk.BasePort + i}, ra)
		if err != nil {
			panic(err)
		}
		c.SetReadBuffer(8 << 20)
		k, s := lk.Master(true, i, sl)
		x, err := srtp.CreateContext(k, s, prof)
		if err != nil {
			panic(err)
		}
		off := time.Duration(i*7919%97) * time.Second / 30 / 97
		ps[i] = &part{c: c, x: x, nextA: start.Add(off), nextV: start.Add(off)}
		k, s = lk.Master(false, i, sl)
		rx, _ := srtp.CreateContext(k, s, prof)
		go func() {
			pc := ipv4.NewPacketConn(c)
			ms := make([]ipv4.Message, 64)
			for j := range ms {
				ms[j].Buffers = [][]byte{make([]byte, 1600)}
			}
			for {
				k, err := pc.ReadBatch(ms, 0)
				if err != nil {
					return
				}
				for j := range k {
					b := ms[j].Buffers[0][:ms[j].N]
					if g := got.Add(1); g%64 == 0 && !*none {
						if _, err := rx.DecryptRTP(nil, b, nil); err != nil {
							bad.Add(1)
						} else {
							good.Add(1)
						}
					}
				}
			}
		}()
	}
	pkt, enc := make([]byte, 1112), make([]byte, 1500)
	send := func(p *part, i, kind, size int) {
		p.seq[kind]++
		b := pkt[:12+size]
		b[0], b[1] = 0x80, byte(96+kind)
		binary.BigEndian.PutUint16(b[2:], p.seq[kind])
		binary.BigEndian.PutUint32(b[4:], p.ts)
		binary.BigEndian.PutUint32(b[8:], uint32(1000+2*i+kind))
		e, err := p.x.EncryptRTP(enc[:0], b, nil)
		if err != nil {
			panic(err)
		}
		p.c.Write(e)
		sent++
	}
	end := start.Add(time.Duration(*secs) * time.Second)
	for time.Now().Before(end) {
		now := time.Now()
		for i, p := range ps {
			if !now.Before(p.nextA) {
				send(p, i, 0, 100)
				p.nextA = p.nextA.Add(20 * time.Millisecond)
			}
			if !now.Before(p.nextV) {
				p.ts += 3000
				for range 5 {
					send(p, i, 1, 1100)
				}
				p.nextV = p.nextV.Add(time.Second / 30)
			}
		}
		time.Sleep(300 * time.Microsecond)
	}
	time.Sleep(300 * time.Millisecond)
	want := sent * uint64(*n-1)
	json.NewEncoder(os.Stdout).Encode(map[string]any{"sent": sent, "want": want, "got": got.Load(),
		"loss_pct": fmt.Sprintf("%.4f", 100*(1-float64(got.Load())/float64(want))), "verified": good.Load(), "bad": bad.Load()})
}
