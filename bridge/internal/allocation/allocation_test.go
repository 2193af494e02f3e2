package allocation

import (
	"fmt"
	"strings"
	"testing"
)

// simulcast is three encodings with three temporal layers each, at rates that
// browsers use, in kbit/s.
func simulcast(active int) []Layer {
	var layers []Layer
	for e, h := range []int{180, 360, 720} {
		for tid, share := range []int64{50, 70, 100} {
			l := Layer{Encoding: e, TID: tid, Height: h, FrameRate: []float64{7.5, 15, 30}[tid]}
			if e < active {
				l.Bitrate = []int64{200_000, 500_000, 1_500_000}[e] * share / 100
			}
			layers = append(layers, l)
		}
	}
	return layers
}

func text(l *Layer) string {
	if l == nil {
		return "-"
	}
	return fmt.Sprintf("%d/%d", l.Height, l.TID)
}

func TestAllocate(t *testing.T) {
	t.Parallel()
	at := func(h int) Constraint { return Constraint{MaxHeight: h, MaxFrameRate: -1} }
	cameras := []Source{
		{Name: "a", Enabled: true, Layers: simulcast(3)},
		{Name: "b", Enabled: true, Layers: simulcast(3)},
		{Name: "c", Enabled: true, Layers: simulcast(3)},
	}
	// A text that scrolls, of which more frames cost as much as more lines.
	screen := []Source{{Name: "s", Enabled: true, Desktop: true}}
	for e, rates := range [][]int64{{100_000, 200_000, 400_000}, {300_000, 500_000, 900_000}, {800_000, 1_200_000, 2_000_000}} {
		for tid, rate := range rates {
			screen[0].Layers = append(screen[0].Layers, Layer{Encoding: e, TID: tid, Height: 180 << e, FrameRate: []float64{7.5, 15, 30}[tid], Bitrate: rate})
		}
	}
	for _, tc := range []struct {
		name      string
		sources   []Source
		settings  Settings
		bandwidth int64
		want      string
	}{
		{"nothing said", cameras, Settings{LastN: -1}, Unlimited, "- - -"},
		{"small pictures", cameras, Settings{LastN: -1, Default: at(180)}, Unlimited, "180/2 180/2 180/2"},
		{"large pictures", cameras, Settings{LastN: -1, Default: at(720)}, Unlimited, "720/2 720/2 720/2"},
		{"no limit", cameras, Settings{LastN: -1, Default: at(-1)}, Unlimited, "720/2 720/2 720/2"},
		{"last two", cameras, Settings{LastN: 2, Default: at(180)}, Unlimited, "180/2 180/2 -"},
		{"last one, selected", cameras, Settings{LastN: 1, Default: at(180), Selected: []string{"c"}}, Unlimited, "- - 180/2"},
		{"none", cameras, Settings{LastN: 0, Default: at(180)}, Unlimited, "- - -"},
		{"one by name", cameras, Settings{LastN: -1, Default: at(0), Constraints: map[string]Constraint{"b": at(360)}}, Unlimited, "- 360/2 -"},
		{"small pictures only", cameras, Settings{LastN: -1, HeightLimit: 180, Default: at(-1)}, Unlimited, "180/2 180/2 180/2"},
		{"screens stay sharp", []Source{cameras[0], {Name: "s", Enabled: true, Desktop: true, Layers: simulcast(3)}}, Settings{LastN: -1, HeightLimit: 180, Default: at(720)}, Unlimited, "180/2 720/2"},
		{"no frames wanted", cameras, Settings{LastN: -1, Default: Constraint{MaxHeight: 720}}, Unlimited, "- - -"},
		{"stage first", cameras, Settings{LastN: -1, Default: at(180), OnStage: []string{"b"}, Constraints: map[string]Constraint{"b": at(720)}}, 1_000_000, "180/2 360/2 180/2"},
		{"stage starves others", cameras, Settings{LastN: -1, Default: at(180), OnStage: []string{"b"}, Constraints: map[string]Constraint{"b": at(720)}}, 300_000, "- 180/2 -"},
		{"shared evenly", cameras, Settings{LastN: -1, Default: at(180)}, 450_000, "180/1 180/1 180/1"},
		{"only what is sent", []Source{{Name: "a", Enabled: true, Layers: simulcast(2)}}, Settings{LastN: -1, Default: at(720)}, Unlimited, "360/2"},
		{"nothing is sent yet", []Source{{Name: "a", Enabled: true, Layers: simulcast(0)}}, Settings{LastN: -1, Default: at(720)}, Unlimited, "720/2"},
		{"camera off", []Source{{Name: "a", Layers: simulcast(3)}, cameras[1]}, Settings{LastN: 1, Default: at(180)}, Unlimited, "- 180/2"},
		{"screen on stage beyond the budget", []Source{{Name: "s", Enabled: true, Desktop: true, Layers: simulcast(3)}},
			Settings{LastN: -1, Default: at(-1), OnStage: []string{"s"}}, 400_000, "720/0"},
		{"screen off stage", []Source{{Name: "s", Enabled: true, Desktop: true, Layers: simulcast(3)}},
			Settings{LastN: -1, Default: at(-1)}, 400_000, "360/1"},
		{"sharp before smooth", screen, Settings{LastN: -1, Default: at(-1)}, 850_000, "720/0"},
		{"sharp before smooth, on stage", screen, Settings{LastN: -1, Default: at(-1), OnStage: []string{"s"}}, 850_000, "720/0"},
		{"as sharp as asked, then smooth", screen, Settings{LastN: -1, Default: at(360), OnStage: []string{"s"}}, 950_000, "360/2"},
		{"as sharp as can be, then smooth", screen, Settings{LastN: -1, Default: at(-1)}, 700_000, "360/1"},
		{"far too sharp for the line", screen, Settings{LastN: -1, Default: at(-1), OnStage: []string{"s"}}, 250_000, "360/0"},
		{"nor is the line overloaded for frames", screen, Settings{LastN: -1, Default: at(360), OnStage: []string{"s"}}, 450_000, "360/0"},
		{"a screen takes turns with a camera", append([]Source{cameras[0]}, screen...), Settings{LastN: -1, Default: at(360)}, 800_000, "180/2 360/1"},
	} {
		var got strings.Builder
		for i, c := range Allocate(tc.sources, tc.settings, tc.bandwidth) {
			if i > 0 {
				got.WriteString(" ")
			}
			got.WriteString(text(c.Target))
		}
		if got.String() != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got.String(), tc.want)
		}
	}
}

// The constraints that senders are told are those of what is wanted, not of
// what there is bandwidth for.
func TestConstraints(t *testing.T) {
	t.Parallel()
	sources := []Source{
		{Name: "a", Enabled: true, Layers: simulcast(3)},
		{Name: "b", Enabled: true, Layers: simulcast(3)},
	}
	got := Allocate(sources, Settings{LastN: 1, Default: Constraint{MaxHeight: 720, MaxFrameRate: -1}}, 0)
	if got[0].Constraint.MaxHeight != 720 || !got[1].Constraint.Nothing() || got[0].Target != nil || text(got[0].Ideal) != "720/2" {
		t.Errorf("%+v", got)
	}
}
