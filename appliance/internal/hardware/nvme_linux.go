package hardware

import (
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adminCommand is linux/nvme_ioctl.h's struct nvme_admin_cmd.
type adminCommand struct {
	opcode, flags  uint8
	_              uint16
	namespace      uint32
	_, _           uint32
	_, address     uint64
	_, length      uint32
	word10, word11 uint32
	_              [4]uint32
	timeout        uint32 // milliseconds
	_              uint32
}

const (
	nvmeAdmin   = 0xc0484e41 // NVME_IOCTL_ADMIN_CMD
	getLogPage  = 0x02
	smartLog    = 0x02
	controller  = 0xffffffff
	commandWait = 2000
)

// AskNVMe asks the disk ("nvme0n1") for its log.
func AskNVMe(disk string) (Smart, error) {
	name := disk
	if i := strings.LastIndexByte(disk, 'n'); i > 0 {
		name = disk[:i] // its controller
	}
	f, err := os.Open("/dev/" + name)
	if err != nil {
		return Smart{}, err
	}
	defer f.Close()
	b := make([]byte, smartSize)
	var pin runtime.Pinner
	pin.Pin(&b[0])
	defer pin.Unpin()
	c := adminCommand{
		opcode: getLogPage, namespace: controller, address: uint64(uintptr(unsafe.Pointer(&b[0]))), length: smartSize,
		word10: (smartSize/4-1)<<16 | smartLog, timeout: commandWait,
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), nvmeAdmin, uintptr(unsafe.Pointer(&c))); errno != 0 {
		return Smart{}, errno
	}
	return parseSmart(b)
}
