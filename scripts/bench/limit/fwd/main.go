// Command fwd is the physical limit of an SFU in Go on this machine: it
// receives SRTP, decrypts, gives every receiver its own sequence numbers and
// keys, and sends. It does nothing else: no ICE, RTCP, congestion control,
// packet cache. Flags choose how it encrypts and how it does I/O; it prints
// the CPU time it spent for each packet it sent.
package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"hash"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"
	"unsafe"

	"meetbox.local/scripts/bench/limit/lk"

	"github.com/pion/srtp/v3"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	batch   = 64
	slot    = 1536
	maxOut  = 64 * 64
	segment = 103 // UDP_SEGMENT
)

// protector turns SRTP into RTP or back, in place where it can.
type protector interface {
	open(dst, pkt []byte) ([]byte, error)             // returns the whole RTP packet
	seal(dst, pkt []byte, seq uint16) ([]byte, error) // rewrites seq, returns SRTP in dst
}

type pionP struct{ c *srtp.Context }

func (p pionP) open(dst, pkt []byte) ([]byte, error) { return p.c.DecryptRTP(dst[:0], pkt, nil) }
func (p pionP) seal(dst, pkt []byte, seq uint16) ([]byte, error) {
	binary.BigEndian.PutUint16(pkt[2:], seq)
	return p.c.EncryptRTP(dst[:0], pkt, nil)
}

type noneP struct{}

func (noneP) open(_, pkt []byte) ([]byte, error) { return pkt[:len(pkt)-16], nil }
func (noneP) seal(dst, pkt []byte, seq uint16) ([]byte, error) {
	n := copy(dst[:cap(dst)], pkt)
	binary.BigEndian.PutUint16(dst[2:4], seq)
	return dst[:n+16], nil
}

// roc follows the rollover counter of each SSRC.
type roc struct{ m map[uint32]*rocS }
type rocS struct {
	last uint16
	n    uint32
	init bool
}

func (r *roc) of(ssrc uint32, seq uint16) uint32 {
	s := r.m[ssrc]
	if s == nil {
		s = &rocS{last: seq}
		r.m[ssrc] = s
	}
	if d := int16(seq - s.last); d > 0 {
		if seq < s.last {
			s.n++
		}
		s.last = seq
	} else if d < 0 && seq > s.last && s.n > 0 {
		return s.n - 1
	}
	return s.n
}

type gcmP struct {
	a    cipher.AEAD
	salt [12]byte
	roc  roc
	iv   [12]byte
}

func newGCM(in bool, i int) *gcmP {
	k, s := lk.Master(in, i, 12)
	b, _ := aes.NewCipher(lk.Derive(0, k, s, 16))
	a, _ := cipher.NewGCM(b)
	p := &gcmP{a: a, roc: roc{map[uint32]*rocS{}}}
	copy(p.salt[:], lk.Derive(2, k, s, 12))
	return p
}

func (p *gcmP) nonce(pkt []byte) []byte {
	seq, ssrc := binary.BigEndian.Uint16(pkt[2:]), binary.BigEndian.Uint32(pkt[8:])
	iv := &p.iv
	iv[0], iv[1] = 0, 0
	binary.BigEndian.PutUint32(iv[2:], ssrc)
	binary.BigEndian.PutUint32(iv[6:], p.roc.of(ssrc, seq))
	binary.BigEndian.PutUint16(iv[10:], seq)
	for i := range iv {
		iv[i] ^= p.salt[i]
	}
	return iv[:]
}

func (p *gcmP) open(_, pkt []byte) ([]byte, error) {
	pt, err := p.a.Open(pkt[12:12], p.nonce(pkt), pkt[12:], pkt[:12])
	return pkt[:12+len(pt)], err
}

func (p *gcmP) seal(dst, pkt []byte, seq uint16) ([]byte, error) {
	dst = append(dst[:0], pkt[:12]...)
	binary.BigEndian.PutUint16(dst[2:], seq)
	return p.a.Seal(dst, p.nonce(dst), pkt[12:], dst[:12]), nil
}

type cmP struct {
	b    cipher.Block
	salt [14]byte
	mac  hash.Hash
	roc  roc
	tag  [20]byte
}

func newCM(in bool, i int) *cmP {
	k, s := lk.Master(in, i, 14)
	p := &cmP{roc: roc{map[uint32]*rocS{}}, mac: hmac.New(sha1.New, lk.Derive(1, k, s, 20))}
	p.b, _ = aes.NewCipher(lk.Derive(0, k, s, 16))
	copy(p.salt[:], lk.Derive(2, k, s, 14))
	return p
}

func (p *cmP) ctr(pkt []byte) (cipher.Stream, uint32) {
	seq, ssrc := binary.BigEndian.Uint16(pkt[2:]), binary.BigEndian.Uint32(pkt[8:])
	r := p.roc.of(ssrc, seq)
	var iv [16]byte
	binary.BigEndian.PutUint32(iv[4:], ssrc)
	binary.BigEndian.PutUint32(iv[8:], r)
	binary.BigEndian.PutUint16(iv[12:], seq)
	for i, x := range p.salt {
		iv[i] ^= x
	}
	return cipher.NewCTR(p.b, iv[:]), r
}

func (p *cmP) sum(pkt []byte, r uint32) []byte {
	var rb [4]byte
	binary.BigEndian.PutUint32(rb[:], r)
	p.mac.Reset()
	p.mac.Write(pkt)
	p.mac.Write(rb[:])
	return p.mac.Sum(p.tag[:0])[:10]
}

func (p *cmP) open(_, pkt []byte) ([]byte, error) {
	n := len(pkt) - 10
	c, r := p.ctr(pkt)
	if !hmac.Equal(p.sum(pkt[:n], r), pkt[n:]) {
		return nil, fmt.Errorf("bad tag")
	}
	c.XORKeyStream(pkt[12:n], pkt[12:n])
	return pkt[:n], nil
}

func (p *cmP) seal(dst, pkt []byte, seq uint16) ([]byte, error) {
	dst = dst[:len(pkt)]
	copy(dst, pkt[:12])
	binary.BigEndian.PutUint16(dst[2:], seq)
	c, r := p.ctr(dst)
	c.XORKeyStream(dst[12:], pkt[12:])
	return append(dst, p.sum(dst, r)...), nil
}

func newP(kind string, in bool, i int) protector {
	switch kind {
	case "none":
		return noneP{}
	case "gcm":
		return newGCM(in, i)
	case "cm80":
		return newCM(in, i)
	}
	prof, sl := srtp.ProtectionProfileAeadAes128Gcm, 12
	if kind == "pion-cm80" {
		prof, sl = srtp.ProtectionProfileAes128CmHmacSha1_80, 14
	}
	k, s := lk.Master(in, i, sl)
	c, err := srtp.CreateContext(k, s, prof)
	if err != nil {
		log.Fatal(err)
	}
	return pionP{c}
}

type out struct {
	dst int
	b   []byte
}

type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

func main() {
	n := flag.Int("n", 8, "participants")
	kind := flag.String("crypto", "gcm", "pion-gcm, pion-cm80, gcm, cm80, none")
	io := flag.String("io", "mmsg", "writeto, batch (x/net), mmsg (raw), gso")
	block := flag.Bool("block", false, "mmsg, gso: blocking system calls on one locked thread instead of the netpoller")
	coalesce := flag.Duration("coalesce", 0, "sleep between batches")
	prof := flag.String("cpuprofile", "", "write a profile")
	flag.Parse()

	ua, _ := net.ResolveUDPAddr("udp4", lk.FwdAddr)
	conn, err := net.ListenUDP("udp4", ua)
	if err != nil {
		log.Fatal(err)
	}
	conn.SetReadBuffer(8 << 20)
	conn.SetWriteBuffer(8 << 20)
	rc, _ := conn.SyscallConn()
	// blocking is rc without the netpoller.
	doRead, doWrite, recvFlags := rc.Read, rc.Write, uintptr(unix.MSG_DONTWAIT)
	if *block {
		runtime.LockOSThread()
		f, err := conn.File() // File puts the socket in blocking mode
		if err != nil {
			log.Fatal(err)
		}
		direct := func(fn func(uintptr) bool) error {
			for !fn(f.Fd()) {
			}
			return nil
		}
		doRead, doWrite, recvFlags = direct, direct, unix.MSG_WAITFORONE
	}

	ins, outs := make([]protector, *n), make([]protector, *n)
	addrs, uaddrs := make([]netip.AddrPort, *n), make([]*net.UDPAddr, *n)
	raws := make([]unix.RawSockaddrInet4, *n)
	for i := range *n {
		ins[i], outs[i] = newP(*kind, true, i), newP(*kind, false, i)
		addrs[i] = netip.AddrPortFrom(netip.MustParseAddr(lk.GenIP), uint16(lk.BasePort+i))
		uaddrs[i] = net.UDPAddrFromAddrPort(addrs[i])
		raws[i] = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: addrs[i].Addr().As4()}
		p := (*[2]byte)(unsafe.Pointer(&raws[i].Port))
		binary.BigEndian.PutUint16(p[:], uint16(lk.BasePort+i))
	}
	seqs := make([]map[uint32]uint16, *n) // per receiver and SSRC
	for i := range seqs {
		seqs[i] = map[uint32]uint16{}
	}

	var nin, nout, calls, recvs uint64
	var ru0 syscall.Rusage
	var n0in, n0out, c0, r0 uint64
	var t0 time.Time
	go func() { // a window that begins 1.5 s after the first packet
		for nin == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(1500 * time.Millisecond)
		if *prof != "" {
			f, _ := os.Create(*prof)
			pprof.StartCPUProfile(f)
		}
		syscall.Getrusage(0, &ru0)
		t0, n0in, n0out, c0, r0 = time.Now(), nin, nout, calls, recvs
	}()
	ioName := *io
	if *block {
		ioName += ", blocking"
	}
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, syscall.SIGTERM)
	go func() {
		<-sig
		var ru syscall.Rusage
		syscall.Getrusage(0, &ru)
		pprof.StopCPUProfile()
		us := func(t syscall.Timeval) float64 { return float64(t.Sec)*1e6 + float64(t.Usec) }
		u, s := us(ru.Utime)-us(ru0.Utime), us(ru.Stime)-us(ru0.Stime)
		o := float64(nout - n0out)
		json.NewEncoder(os.Stdout).Encode(map[string]any{"lang": "go", "crypto": *kind, "io": ioName, "coalesce": coalesce.String(), "n": *n,
			"us_per_pkt": (u + s) / o, "user_us": u / o, "sys_us": s / o, "in": nin - n0in, "out": nout - n0out,
			"core_pct": (u + s) / 1e4 / time.Since(t0).Seconds(), "pkts_per_send": o / float64(calls-c0),
			"pkts_per_recv": float64(nin-n0in) / float64(recvs-r0), "pps": o / time.Since(t0).Seconds()})
		os.Exit(0)
	}()

	// Receive buffers and message headers.
	inBuf := make([]byte, batch*slot)
	rmsgs := make([]ipv4.Message, batch)
	rhdr := make([]mmsghdr, batch)
	riov := make([]unix.Iovec, batch)
	rname := make([]unix.RawSockaddrInet4, batch)
	for i := range batch {
		b := inBuf[i*slot : (i+1)*slot]
		rmsgs[i].Buffers = [][]byte{b}
		riov[i].Base = &b[0]
		riov[i].SetLen(slot)
		rhdr[i].hdr.Iov, rhdr[i].hdr.Iovlen = &riov[i], 1
		rhdr[i].hdr.Name = (*byte)(unsafe.Pointer(&rname[i]))
	}
	arena := make([]byte, maxOut*slot)
	outq := make([]out, 0, maxOut)
	wmsgs := make([]ipv4.Message, maxOut)
	whdr := make([]mmsghdr, maxOut)
	wiov := make([]unix.Iovec, maxOut)
	ctl := make([]byte, maxOut*24)
	pc := ipv4.NewPacketConn(conn)
	plain := make([]byte, batch*slot)

	type in struct {
		src int
		b   []byte
	}
	pkts := make([]in, 0, batch)

	for {
		pkts = pkts[:0]
		switch *io {
		case "writeto":
			k, from, err := conn.ReadFromUDPAddrPort(inBuf[:slot])
			if err != nil {
				log.Fatal(err)
			}
			pkts = append(pkts, in{int(from.Port()) - lk.BasePort, inBuf[:k]})
		case "batch":
			k, err := pc.ReadBatch(rmsgs, 0)
			if err != nil {
				log.Fatal(err)
			}
			for i := range k {
				pkts = append(pkts, in{rmsgs[i].Addr.(*net.UDPAddr).Port - lk.BasePort, rmsgs[i].Buffers[0][:rmsgs[i].N]})
			}
		default:
			var k int
			doRead(func(fd uintptr) bool {
				for i := range rhdr {
					rhdr[i].hdr.Namelen = unix.SizeofSockaddrInet4
				}
				r, _, e := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&rhdr[0])), batch, recvFlags, 0, 0)
				if e != 0 {
					return e != unix.EAGAIN && e != unix.EINTR
				}
				k = int(r)
				return true
			})
			for i := range k {
				p := (*[2]byte)(unsafe.Pointer(&rname[i].Port))
				pkts = append(pkts, in{int(binary.BigEndian.Uint16(p[:])) - lk.BasePort, inBuf[i*slot : i*slot+int(rhdr[i].n)]})
			}
		}
		recvs++
		good := pkts[:0]
		for i, p := range pkts {
			if p.src < 0 || p.src >= *n || len(p.b) < 28 {
				continue
			}
			b, err := ins[p.src].open(plain[i*slot:(i+1)*slot:(i+1)*slot], p.b)
			if err != nil {
				continue
			}
			nin++
			good = append(good, in{p.src, b})
		}
		// Encrypt, receiver by receiver, into the arena.
		outq = outq[:0]
		for d := range *n {
			for _, p := range good {
				if p.src == d {
					continue
				}
				ssrc := binary.BigEndian.Uint32(p.b[8:])
				seq := seqs[d][ssrc] + 1
				seqs[d][ssrc] = seq
				o := len(outq)
				b, err := outs[d].seal(arena[o*slot:o*slot:(o+1)*slot], p.b, seq)
				if err != nil {
					log.Fatal(err)
				}
				outq = append(outq, out{d, b})
			}
		}
		nout += uint64(len(outq))
		switch *io {
		case "writeto":
			for _, o := range outq {
				conn.WriteToUDPAddrPort(o.b, addrs[o.dst])
				calls++
			}
		case "batch":
			for i, o := range outq {
				if wmsgs[i].Buffers == nil {
					wmsgs[i].Buffers = make([][]byte, 1)
				}
				wmsgs[i].Buffers[0], wmsgs[i].Addr = o.b, uaddrs[o.dst]
			}
			for w := wmsgs[:len(outq)]; len(w) > 0; {
				k, err := pc.WriteBatch(w, 0)
				if err != nil {
					log.Fatal(err)
				}
				calls++
				w = w[k:]
			}
		default:
			m := 0
			for i := 0; i < len(outq); m++ {
				o := outq[i]
				h := &whdr[m].hdr
				*h = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&raws[o.dst])), Namelen: unix.SizeofSockaddrInet4, Iov: &wiov[i]}
				j, size := i, len(o.b)
				for j < len(outq) && j-i < 40 {
					x := outq[j]
					if x.dst != o.dst || len(x.b) > size {
						break
					}
					wiov[j].Base = &x.b[0]
					wiov[j].SetLen(len(x.b))
					j++
					if *io != "gso" || len(x.b) < size {
						break
					}
				}
				h.Iovlen = uint64(j - i)
				if j-i > 1 {
					c := ctl[m*24 : (m+1)*24]
					ch := (*unix.Cmsghdr)(unsafe.Pointer(&c[0]))
					ch.Level, ch.Type = unix.IPPROTO_UDP, segment
					ch.SetLen(unix.CmsgLen(2))
					*(*uint16)(unsafe.Pointer(&c[unix.CmsgLen(0)])) = uint16(size)
					h.Control = &c[0]
					h.SetControllen(24)
				}
				i = j
			}
			for at := 0; at < m; {
				var k int
				doWrite(func(fd uintptr) bool {
					r, _, e := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&whdr[at])), uintptr(min(m-at, 1024)), 0, 0, 0)
					if e != 0 && e != unix.EAGAIN {
						log.Fatal("sendmmsg: ", e)
					}
					k = int(r)
					return e == 0
				})
				calls++
				at += k
			}
		}
		if *coalesce > 0 {
			time.Sleep(*coalesce)
		}
	}
}
