package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"meetbox.local/appliance/api"
)

// logoName changes with the picture, so that browsers may keep it.
func logoName(file []byte, format string) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:8]) + "." + format
}

// publicBranding answers everybody, on both of the box's secure ports.
func (p *Parts) publicBranding(w http.ResponseWriter, r *http.Request) {
	s, err := p.Store.Settings()
	if err != nil {
		p.publicFailure(w, r, "branding", err)
		return
	}
	b := s.Settings.Branding
	out := api.PublicBranding{Name: b.Name, Accent: b.Accent, Welcome: b.Welcome, Links: b.Links}
	if file, format := b.Picture(); file != nil {
		out.Logo = api.LogoPath + logoName(file, format)
	}
	w.Header().Set("Cache-Control", "no-store")
	p.json(w, http.StatusOK, out)
}

func (p *Parts) publicLogo(w http.ResponseWriter, r *http.Request) {
	s, err := p.Store.Settings()
	file, format := s.Settings.Branding.Picture()
	if err != nil || file == nil || r.PathValue("file") != logoName(file, format) {
		http.Error(w, "There is no such picture on this box.", http.StatusNotFound)
		return
	}
	w.Header().Set("Cache-Control", "max-age=86400, immutable")
	w.Header().Set("Content-Type", "image/"+format)
	write(w, file)
}
