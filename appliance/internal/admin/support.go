package admin

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/logs"
	"meetbox.local/appliance/kit/ctl"
)

// maxPreview bounds how much of a file a preview shows.
const maxPreview = 256 << 10

func supportRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/support", api.Admin, "What a bundle for somebody who helps would have in it.", p.previewSupport),
		download("/api/v1/support.zip", api.Admin, "The bundle (without=NAME,NAME leaves files out).", "application/zip", p.getSupport),
	}
}

// bundle gathers the files. What cannot be had is left out, with the reason in
// its place.
func (p *Parts) bundle(c *Call) (out []api.SupportFile) {
	text := func(name string, b []byte) {
		out = append(out, api.SupportFile{Name: name, Size: len(b), Text: string(b)})
	}
	doc := func(name string, v any, err error) {
		if err != nil {
			v = map[string]string{"error": err.Error()}
		}
		b, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			b = []byte(err.Error())
		}
		text(name+".json", append(b, '\n'))
	}
	doc("status", p.Source.Status(), nil)
	doc("health", Ask(c.Context(), p.Services, p.Control), nil)
	overview, err := p.getOverview(c)
	doc("overview", overview, err)
	found, err := p.diagnose(withoutCall(c), None{})
	doc("diagnostics", found, err)
	settings, err := p.Store.Settings()
	doc("settings", settings, err)
	revisions, _, err := p.Store.Revisions("", 0, math.MaxInt)
	doc("revisions", revisions, err)
	certificates, err := p.getCertificates(c)
	doc("certificates", certificates, err)
	if p.Network != nil {
		doc("network", p.Network.Status(), nil)
	}
	if p.Clock != nil {
		doc("clock", p.Clock.Status(), nil)
	}
	if p.Hardware != nil {
		doc("hardware", p.Hardware.Hardware(), nil)
	}
	if p.Updates != nil {
		doc("update", p.Updates.Status(), nil)
	}
	for _, s := range p.Services {
		b, err := ctl.Fetch(c.Context(), p.Control(s), "/metrics")
		if err != nil {
			b = []byte(err.Error() + "\n")
		}
		text("metrics-"+s+".txt", b)
		all, err := p.tail(logs.Filter{Services: []string{s}, Limit: maxLogLines})
		if err != nil {
			text("log-"+s+".txt", []byte(err.Error()+"\n"))
			continue
		}
		text("log-"+s+".txt", []byte(logText(all)))
	}
	return out
}

// withoutCall is the request of a page that wants no call to the box itself.
func withoutCall(c *Call) *Call {
	r := c.Request.Clone(c.Context())
	r.URL.RawQuery = "call=false"
	return &Call{Request: r, Who: c.Who, header: http.Header{}}
}

func (p *Parts) previewSupport(c *Call) (api.Support, error) {
	files := p.bundle(c)
	for i := range files {
		files[i].Text = files[i].Text[:min(len(files[i].Text), maxPreview)]
	}
	return api.Support{Files: files}, nil
}

func (p *Parts) getSupport(c *Call) (File, error) {
	without := strings.Split(c.Query("without"), ",")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range p.bundle(c) {
		if slices.Contains(without, f.Name) {
			continue
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: p.now().UTC()})
		if err != nil {
			return File{}, err
		}
		if _, err := w.Write([]byte(f.Text)); err != nil {
			return File{}, err
		}
	}
	if err := z.Close(); err != nil {
		return File{}, err
	}
	return File{Name: "meetbox-support.zip", Body: &b}, p.Store.Audit(c.Who, "support bundle", "", "")
}
