package api

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	_ "image/jpeg" // what a logo may be
	_ "image/png"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Branding is how the box presents itself on its pages.
type Branding struct {
	Name    string `json:"name,omitempty"`    // of the service; empty: Meetbox
	Accent  string `json:"accent,omitempty"`  // colour of buttons and links, #rrggbb; the pages see to its contrast
	Welcome string `json:"welcome,omitempty"` // on the page where meetings begin; empty: the product's own words
	// Links are at the foot of that page and of the one before a meeting, for an
	// imprint, a privacy notice or whom to call.
	Links []BrandLink `json:"links,omitempty"`
	Logo  string      `json:"logo,omitempty"` // PNG or JPEG, base64; instead of the product's
}

// BrandLink leads to a page elsewhere.
type BrandLink struct {
	Text string `json:"text"`
	URL  string `json:"url"` // https, http or mailto
}

const (
	// maxLogo bounds the picture's file (bytes): every guest loads it.
	maxLogo = 64 << 10
	// maxLogoSide bounds its width and height (pixels).
	maxLogoSide = 1024
	mostLinks   = 6
)

var accentColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// Validate says what is wrong with which field.
func (b Branding) Validate() error {
	f := FieldErrors{}
	checkText(f, "name", b.Name, 40, false)
	checkText(f, "welcome", b.Welcome, 400, true)
	if b.Accent != "" && !accentColour.MatchString(b.Accent) {
		f.Add("accent", "Give a colour as in #0a7d5c.")
	}
	if len(b.Links) > mostLinks {
		f.Add("links", fmt.Sprintf("Give at most %d.", mostLinks))
	}
	for i, l := range b.Links {
		field := fmt.Sprintf("links.%d", i)
		checkText(f, field+".text", l.Text, 60, false)
		if strings.TrimSpace(l.Text) == "" {
			f.Add(field+".text", "Say what the link leads to.")
		}
		if why := checkLink(l.URL); why != "" {
			f.Add(field+".url", why)
		}
	}
	if why := b.checkLogo(); why != "" {
		f.Add("logo", why)
	}
	return f.Err()
}

func checkText(f FieldErrors, field, text string, most int, lines bool) {
	switch {
	case utf8.RuneCountInString(text) > most:
		f.Add(field, fmt.Sprintf("Take at most %d characters.", most))
	case !printable(text, lines):
		f.Add(field, "Take away the characters that cannot be shown.")
	}
}

// checkLink lets nothing pass that a browser would run.
func checkLink(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > 500:
	case (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil:
		return ""
	case u.Scheme == "mailto" && strings.Contains(u.Opaque, "@"):
		return ""
	}
	return "Give an address as in https://intranet.example/privacy or mailto:help@office.example."
}

// Picture is the logo's file with its format, "png" or "jpeg"; nothing where
// there is none. An SVG, which can carry scripts, is none.
func (b Branding) Picture() (file []byte, format string) {
	file, err := base64.StdEncoding.DecodeString(b.Logo)
	if err != nil || len(file) == 0 {
		return nil, ""
	}
	if _, format, err = image.DecodeConfig(bytes.NewReader(file)); err != nil {
		return nil, ""
	}
	return file, format
}

func (b Branding) checkLogo() string {
	if b.Logo == "" {
		return ""
	}
	if len(b.Logo) > base64.StdEncoding.EncodedLen(maxLogo) {
		return fmt.Sprintf("Give a picture of at most %d kB.", maxLogo>>10)
	}
	file, _ := b.Picture()
	if file == nil {
		return "Give a PNG or JPEG picture, in base64."
	}
	// Its size comes first: a small file can be an enormous picture.
	size, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil || size.Width > maxLogoSide || size.Height > maxLogoSide {
		return fmt.Sprintf("Give a picture of at most %d × %[1]d pixels.", maxLogoSide)
	}
	if _, _, err := image.Decode(bytes.NewReader(file)); err != nil {
		return "This picture is damaged."
	}
	return ""
}

// PublicBranding is what everybody may read at /branding.json, on the
// meetings' port and on the console's.
type PublicBranding struct {
	Name    string      `json:"name,omitempty"`
	Accent  string      `json:"accent,omitempty"`
	Welcome string      `json:"welcome,omitempty"`
	Links   []BrandLink `json:"links,omitempty"`
	Logo    string      `json:"logo,omitempty"` // path; it changes with the picture
}

// BrandingPath is where everybody may read how the box presents itself.
const BrandingPath = "/branding.json"

// LogoPath is the folder of the logo.
const LogoPath = "/branding/"
