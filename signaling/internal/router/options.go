package router

import (
	"time"

	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/upload"
)

// Options are what a server is for and how patient it is.
type Options struct {
	Domain, AuthDomain, MUC, InternalMUC, Focus string
	FocusUser                                   string
	Files                                       *upload.Box  // nil: none are shared
	Store                                       *store.Store // nil: nothing outlives a power cut
	GuestDomain                                 string       // of guests, while the domain itself is for those who log in

	QueueBytes   int           // of one session
	Hibernate    time.Duration // a session without a connection
	Reload       time.Duration // a session whose page was closed, or is loaded again
	Linger       time.Duration // the focus' occupants without their session
	MaxSessions  int
	MaxOccupants int
}

// Defaults fills what is not set. The queue holds the presences of five
// hundred people at a kilobyte each, twice and more.
func (o *Options) Defaults() {
	def(&o.GuestDomain, "guest."+o.Domain)
	def(&o.QueueBytes, 4<<20)
	def(&o.Hibernate, 60*time.Second)
	def(&o.Reload, 5*time.Second)
	def(&o.Linger, 15*time.Second)
	def(&o.MaxSessions, 4000)
	def(&o.MaxOccupants, 1000)
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
