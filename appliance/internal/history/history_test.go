package history

import (
	"os"
	"testing"
	"time"

	"meetbox.local/appliance/api"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	folder, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	h, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for i := range 33 * 24 * 60 {
		h.Add(api.HistoryPoint{At: begin.Add(time.Duration(i) * Minute), People: i % 15, CPU: float64(i % 15)})
	}
	day, month := h.Day(), h.Month()
	if len(day.Points) != 1440 || day.Step != 60 || len(month.Points) != 2880 || month.Step != 900 {
		t.Fatalf("%d by %d s, %d by %d s", len(day.Points), day.Step, len(month.Points), month.Step)
	}
	if p := month.Points[100]; p.People != 14 || p.CPU < 6.99 || p.CPU > 7.01 {
		t.Errorf("a quarter of an hour: %+v, want the most people and the mean load", p)
	}
	if err := h.Save(folder); err != nil {
		t.Fatal(err)
	}
	again, err := Load(folder)
	if err != nil || len(again.Month().Points) != 2880 {
		t.Errorf("read again: %d, %v", len(again.Month().Points), err)
	}
	// A clock that is set back by an hour: the hour is counted again.
	last := day.Points[1439].At
	again.Add(api.HistoryPoint{At: last.Add(-time.Hour), People: 99})
	if p := again.Day().Points; len(p) > 1440 || p[len(p)-1].People != 99 || p[len(p)-1].At != last.Add(-time.Hour) {
		t.Errorf("after the clock went back: %d points until %v", len(p), p[len(p)-1].At)
	}
	if err := folder.WriteFile(FileName, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if h, err := Load(folder); err == nil || len(h.Day().Points) != 0 {
		t.Errorf("nonsense: %v", err)
	}
}
