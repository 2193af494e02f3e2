package admin

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"strings"
	"testing"

	"meetbox.local/appliance/api"
)

// TestBranding: an admin says how the box presents itself, everybody sees it.
func TestBranding(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	guest := b.client(t)
	if p := read[api.PublicBranding](t, guest.want(200, "GET", "/branding.json", nil)); p.Name != "" || p.Logo != "" {
		t.Errorf("a new box: %+v", p)
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	const path = "/api/v1/settings/branding"
	want := api.Branding{Name: "Harbour", Accent: "#7a1fa2", Welcome: "Good morning", Links: []api.BrandLink{{Text: "Imprint", URL: "https://intranet.example/imprint"}}, Logo: base64.StdEncoding.EncodeToString(picture.Bytes())}
	guest.want(401, "PUT", path, want, "If-Match", "*")
	c.want(200, "PUT", path, want, "If-Match", "*")
	p := read[api.PublicBranding](t, guest.want(200, "GET", "/branding.json", nil))
	if p.Name != want.Name || p.Accent != want.Accent || p.Welcome != want.Welcome || len(p.Links) != 1 || !strings.HasSuffix(p.Logo, ".png") {
		t.Errorf("public: %+v", p)
	}
	logo := guest.want(200, "GET", p.Logo, nil)
	if logo.header.Get("Content-Type") != "image/png" || !bytes.Equal(logo.body, picture.Bytes()) {
		t.Errorf("logo: %v", logo.header)
	}
	guest.want(404, "GET", "/branding/other.png", nil)

	want.Logo = base64.StdEncoding.EncodeToString([]byte("<svg/>"))
	if a := c.want(422, "PUT", path, want, "If-Match", "*"); a.problem.Fields["logo"] == "" {
		t.Errorf("nothing said of the logo: %s", a.body)
	}
	c.want(200, "PUT", path, api.Branding{}, "If-Match", "*")
	guest.want(404, "GET", p.Logo, nil)
}
