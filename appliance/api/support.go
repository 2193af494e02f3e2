package api

// Support is what a bundle for somebody who helps would have in it.
type Support struct {
	Files []SupportFile `json:"files"`
}

// SupportFile is one file of the bundle. There are no passwords, keys or
// tokens in any of them; names, addresses and rooms are.
type SupportFile struct {
	Name string `json:"name"`
	Size int    `json:"size"`
	Text string `json:"text"` // as it would be in the bundle
}
