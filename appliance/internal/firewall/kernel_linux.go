package firewall

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// ErrKernel means that the kernel has no nf_tables: everything may pass.
var ErrKernel = errors.New("the kernel has no packet filter (nf_tables)")

const tableName = "meetbox"

// hooks are where the chains stand.
var hooks = map[string]struct {
	hook     *nftables.ChainHook
	priority *nftables.ChainPriority
	policy   nftables.ChainPolicy
}{
	"before":  {nftables.ChainHookPrerouting, nftables.ChainPriorityRaw, nftables.ChainPolicyAccept},
	"leaving": {nftables.ChainHookOutput, nftables.ChainPriorityRaw, nftables.ChainPolicyAccept},
	"input":   {nftables.ChainHookInput, nftables.ChainPriorityFilter, nftables.ChainPolicyDrop},
	"output":  {nftables.ChainHookOutput, nftables.ChainPriorityFilter, nftables.ChainPolicyDrop},
	"forward": {nftables.ChainHookForward, nftables.ChainPriorityFilter, nftables.ChainPolicyDrop},
}

// Apply replaces the rules in the kernel by the policy's.
func Apply(p Policy) error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("firewall: %w", err)
	}
	t := &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}
	c.AddTable(t) // so that there is one to delete
	c.DelTable(t)
	c.AddTable(t)
	for _, list := range p.rules() {
		h := hooks[list.name]
		kc := c.AddChain(&nftables.Chain{
			Name: list.name, Table: t, Type: nftables.ChainTypeFilter,
			Hooknum: h.hook, Priority: h.priority, Policy: &h.policy,
		})
		for _, r := range list.rules {
			for _, e := range r.expressions() {
				c.AddRule(&nftables.Rule{Table: t, Chain: kc, Exprs: e})
			}
		}
	}
	if err := c.Flush(); err != nil {
		if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EAFNOSUPPORT) {
			err = ErrKernel
		}
		return fmt.Errorf("firewall: %w", err)
	}
	return nil
}

// expressions are the rule's steps, once for each kind of ICMP if it names
// some.
func (r rule) expressions() [][]expr.Any {
	if len(r.kind) == 0 {
		return [][]expr.Any{append(r.steps(), r.end()...)}
	}
	var out [][]expr.Any
	for _, k := range r.kind {
		out = append(out, slices.Concat(r.steps(), []expr.Any{
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Len: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{k}},
		}, r.end()))
	}
	return out
}

// steps are the rule's match in the kernel's small steps: load into register
// 1, compare, go on or leave the rule.
func (r rule) steps() []expr.Any {
	var e []expr.Any
	is := func(b []byte) { e = append(e, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: b}) }
	meta := func(key expr.MetaKey, want []byte) {
		e = append(e, &expr.Meta{Key: key, Register: 1})
		is(want)
	}
	payload := func(base expr.PayloadBase, offset, length uint32) {
		e = append(e, &expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: length})
	}
	if r.in != "" {
		meta(expr.MetaKeyIIFNAME, cardName(r.in))
	}
	if r.out != "" {
		meta(expr.MetaKeyOIFNAME, cardName(r.out))
	}
	if r.state != "" {
		bits := expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED
		if r.state == invalid {
			bits = expr.CtStateBitINVALID
		}
		e = append(e, &expr.Ct{Key: expr.CtKeySTATE, Register: 1},
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(bits), Xor: make([]byte, 4)},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)})
	}
	for _, n := range []struct {
		prefix     netip.Prefix
		at4, at6   uint32 // in the IP header
		isNotEmpty bool
	}{{r.from, 12, 8, r.from.IsValid()}, {r.to, 16, 24, r.to.IsValid()}} {
		if !n.isNotEmpty {
			continue
		}
		family, at := byte(unix.NFPROTO_IPV4), n.at4
		if n.prefix.Addr().Is6() {
			family, at = unix.NFPROTO_IPV6, n.at6
		}
		meta(expr.MetaKeyNFPROTO, []byte{family})
		b := n.prefix.Masked().Addr().AsSlice()
		payload(expr.PayloadBaseNetworkHeader, at, uint32(len(b)))
		mask := make([]byte, len(b))
		for i := range n.prefix.Bits() {
			mask[i/8] |= 0x80 >> (i % 8)
		}
		e = append(e, &expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(len(b)), Mask: mask, Xor: make([]byte, len(b))})
		is(b)
	}
	if r.proto != 0 {
		meta(expr.MetaKeyL4PROTO, []byte{r.proto})
	}
	for i, port := range []uint16{r.src, r.dst} {
		if port != 0 {
			payload(expr.PayloadBaseTransportHeader, uint32(2*i), 2)
			is(binary.BigEndian.AppendUint16(nil, port))
		}
	}
	if r.root {
		meta(expr.MetaKeySKUID, make([]byte, 4))
	}
	return e
}

func (r rule) end() []expr.Any {
	switch r.do {
	case notrack:
		return []expr.Any{&expr.Notrack{}}
	case drop:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}
	case reject:
		return []expr.Any{&expr.Counter{}, &expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED}}
	}
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}
}

func cardName(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}
