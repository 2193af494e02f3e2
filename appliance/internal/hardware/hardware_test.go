package hardware

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"meetbox.local/appliance/api"
)

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func machine(t *testing.T, files map[string]string) Machine {
	t.Helper()
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return Machine{Root: root, Boot: "nvme0n1"}
}

func TestLook(t *testing.T) {
	t.Parallel()
	m := machine(t, map[string]string{
		"sys/class/hwmon/hwmon0/name":        "k10temp\n",
		"sys/class/hwmon/hwmon0/temp1_input": "101500\n",
		"sys/class/hwmon/hwmon0/temp1_label": "Tctl\n",
		"sys/class/hwmon/hwmon1/name":        "nvme\n",
		"sys/class/hwmon/hwmon1/temp1_input": "40000\n",
		"sys/class/hwmon/hwmon1/temp1_crit":  "84850\n",
		"sys/class/hwmon/hwmon1/temp2_input": "\n", // a sensor that does not answer

		"sys/class/block/nvme0n1/size":             "1000215216\n",
		"sys/class/block/nvme0n1/device/model":     "Disk  One  \n",
		"sys/class/block/nvme0n1p1/size":           "524288\n",
		"sys/class/block/nvme0n1p1/partition":      "1\n",
		"sys/class/block/sda/size":                 "4194304\n",
		"sys/class/block/sda/device/vendor":        "Maker\n",
		"sys/class/block/sda/device/model":         "Stick\n",
		"sys/class/block/sdb/size":                 "0\n", // a reader without a card
		"sys/class/block/loop0/size":               "100\n",
		"sys/class/block/mmcblk0/size":             "4194304\n",
		"sys/class/block/mmcblk0/device/life_time": "0x02 0x0a\n",

		"proc/meminfo": "MemTotal:        1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\n",

		"sys/class/net/eth0/device/vendor":         "0x8086",
		"sys/class/net/eth0/statistics/rx_errors":  "3\n",
		"sys/class/net/eth0/statistics/tx_errors":  "1\n",
		"sys/class/net/eth0/statistics/rx_dropped": "7\n",
		"sys/class/net/lo/statistics/rx_errors":    "9\n",

		"proc/config.gz": string(packed(t, "CONFIG_MMC=y\n# CONFIG_VLAN_8021Q is not set\nCONFIG_NF_TABLES=m\nCONFIG_SECCOMP_FILTER=y\nCONFIG_SECURITY_LANDLOCK=y\nCONFIG_MEMCG=y\n")),
	})
	m.Smart = func(string) (Smart, error) { return Smart{Used: 3, UnsafeOff: 12, Critical: true}, nil }
	h := m.Look(api.Storage{Size: 100 << 20, Free: 2 << 20, Errors: 4}, api.Boots{Cuts: 1})

	if len(h.Temperatures) != 2 || h.Temperatures[0] != (api.Temperature{Name: "k10temp Tctl", Celsius: 101.5}) || h.Temperatures[1].Limit != 84.85 {
		t.Errorf("temperatures %v", h.Temperatures)
	}
	var names []string
	for _, d := range h.Disks {
		names = append(names, d.Name+" "+d.Model)
	}
	if want := []string{"mmcblk0 disk", "nvme0n1 Disk One", "sda Maker Stick"}; !slices.Equal(names, want) {
		t.Fatalf("disks %q, want %q", names, want)
	}
	if d := h.Disks[1]; !d.Boot || d.Size != 1000215216*512 || *d.Wear != 3 || d.UnsafeOff != 12 {
		t.Errorf("disk %+v", d)
	}
	if d := h.Disks[0]; d.Wear == nil || *d.Wear != 100 {
		t.Errorf("eMMC %+v, want worn by 100", d)
	}
	if h.Memory != (api.Memory{Size: 1000 << 10, Available: 400 << 10}) {
		t.Errorf("memory %+v", h.Memory)
	}
	if want := []api.CardHealth{{Name: "eth0", Errors: 4, Dropped: 7}}; !slices.Equal(h.Cards, want) {
		t.Errorf("cards %v, want %v", h.Cards, want)
	}
	missing := strings.Join(h.Missing, "\n")
	for word, want := range map[string]bool{"VLAN": true, "TPM": true, "watchdog": true, "eMMC": false, "packet filter": false} {
		if strings.Contains(missing, word) != want {
			t.Errorf("missing %q: %v, want %v", word, !want, want)
		}
	}
	all := strings.Join(h.Problems, "\n")
	for _, want := range []string{"k10temp Tctl has 102 °C", "nvme0n1 (Disk One) says that it is about to fail", "mmcblk0 (disk) is worn by 100 %", "nearly full", "4 errors"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}

func TestStorageProblems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		s    api.Storage
		want string // "" for none
	}{
		{"unknown", api.Storage{}, ""},
		{"room", api.Storage{Size: 100 << 20, Free: 50 << 20}, ""},
		{"little", api.Storage{Size: 100 << 20, Free: 4 << 20}, "nearly full: 4 MiB"},
		{"full", api.Storage{Size: 100 << 20, Free: 4096}, "The storage is full"},
		{"read-only", api.Storage{Size: 100 << 20, ReadOnly: true}, "read-only"},
		{"errors", api.Storage{Size: 100 << 20, Free: 50 << 20, Errors: 1}, "errors in itself"},
	} {
		got := StorageProblems(tc.s)
		if len(got) > 1 || (len(got) == 0) != (tc.want == "") || !strings.Contains(strings.Join(got, ""), tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestOnUSB(t *testing.T) {
	t.Parallel()
	m := Machine{Root: fstest.MapFS{
		"sys/class/block/sda":     {Mode: fs.ModeSymlink, Data: []byte("../../devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host0/target0:0:0/0:0:0:0/block/sda")},
		"sys/class/block/nvme0n1": {Mode: fs.ModeSymlink, Data: []byte("../../devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1")},
	}}
	for disk, want := range map[string]bool{"sda": true, "nvme0n1": false, "sdb": false, "": false} {
		if got := m.OnUSB(disk); got != want {
			t.Errorf("%q: %v, want %v", disk, got, want)
		}
	}
}

// A machine of which nothing is known has no problems.
func TestNothing(t *testing.T) {
	t.Parallel()
	h := machine(t, map[string]string{"dev/watchdog": ""}).Look(api.Storage{}, api.Boots{})
	if len(h.Problems) != 0 || len(h.Missing) != 0 || !h.Watchdog {
		t.Errorf("%+v", h)
	}
}

func FuzzParseSmart(f *testing.F) {
	b := make([]byte, smartSize)
	b[0], b[5] = 1, 20
	binary.LittleEndian.PutUint64(b[144:], 7)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSmart(b)
		if (err == nil) != (len(b) >= smartSize) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
		if err == nil && (s.Used != int(b[5]) || s.UnsafeOff != binary.LittleEndian.Uint64(b[144:])) {
			t.Errorf("%+v", s)
		}
	})
}
