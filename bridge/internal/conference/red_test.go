package conference

import "testing"

// Who does not know redundant audio gets it without the redundancy.
func TestRedundantAudio(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		const red = 112
		a, b, c := r.join("a", 0, false), r.join("b", 0, false), r.join("c", 0, false)
		for _, m := range []*member{a, b} {
			m.SetMedia([]PayloadType{{ID: red, Media: Audio, Name: "red", ClockRate: 48000, Channels: 2, Parameters: map[string]string{"": "111/111"}}}, nil)
		}
		r.settled()
		older := string([]byte{0x80 | opus}) + "\x00\x00\x03" + string([]byte{opus}) + "oldnew"
		speak := func(payload string) {
			a.send(red, a.audio, uint32(a.seqs[a.audio]+1)*960, false, []byte{levelID << 4, 40}, []byte(payload))
		}
		speak(older)
		speak("\x80") // broken
		speak(older)
		got := b.gets(a.audio)
		if len(got) != 2 || got[0].PayloadType != red || string(got[0].payload) != older {
			t.Errorf("who knows it gets %+v", got)
		}
		plain := c.gets(a.audio)
		if len(plain) != 2 || plain[0].PayloadType != opus || string(plain[0].payload) != "new" {
			t.Errorf("who does not gets %+v", plain)
		}
	})
}
