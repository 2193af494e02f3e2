package router

// GuestsHere tells whether guests may log in at the domain itself.
func (r *Router) GuestsHere() bool { return true }
