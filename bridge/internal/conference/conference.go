package conference

// Conference is one meeting.
type Conference struct{}

// HexID is the bridge's own random id, used in colibri-ws URLs.
func (c *Conference) HexID() string { return "" }

// MeetingID is the focus's id.
func (c *Conference) MeetingID() string { return "" }

// FeedbackSSRCs are the bridge's own sources jvb-a0 and jvb-v0.
func (c *Conference) FeedbackSSRCs() (audio, video uint32) { return 0, 0 }

// AddEndpoint makes an endpoint with its transport. ErrEndpointExists,
// ErrExpired, or the transport's error. The same id may be used again as
// soon as ExpireEndpoint has returned.
func (c *Conference) AddEndpoint(cfg EndpointConfig) (*Endpoint, error) { return &Endpoint{}, nil }

// Endpoint finds an endpoint; nil when there is none.
func (c *Conference) Endpoint(id string) *Endpoint { return nil }

// ExpireEndpoint removes an endpoint; an unknown id is fine.
func (c *Conference) ExpireEndpoint(id string) {}

// Expire ends the conference and all its endpoints. It may be called twice.
func (c *Conference) Expire() {}

// Endpoints is how many endpoints there are, visitors included.
func (c *Conference) Endpoints() int { return 0 }
