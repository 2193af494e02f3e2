package admin

import (
	"net/http"

	"meetbox.local/appliance/api"
)

// Hardware is the machine.
type Hardware interface{ Hardware() api.Hardware }

// Installer writes the running system onto another disk.
type Installer interface {
	Status() api.Install
	Begin(req api.InstallRequest) error
}

func hardwareRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/hardware", api.Viewer, "How the machine is: temperatures, disks, memory, network cards, and what its kernel cannot do.", func(*Call) (api.Hardware, error) {
			if p.Hardware == nil {
				return api.Hardware{}, errElsewhere
			}
			return p.Hardware.Hardware(), nil
		}),
		get("/api/v1/install", api.Viewer, "The machine's other disks, and how far an installation onto one of them is.", func(*Call) (api.Install, error) {
			if p.Installer == nil {
				return api.Install{}, errElsewhere
			}
			return p.Installer.Status(), nil
		}),
		send(http.MethodPost, "/api/v1/install", api.Owner, "Writes the system onto another disk of the machine, on which everything is lost; confirm is the text that the disk has in the list.", func(c *Call, req api.InstallRequest) (api.Install, error) {
			if p.Installer == nil {
				return api.Install{}, errElsewhere
			}
			if err := p.Installer.Begin(req); err != nil {
				return api.Install{}, err
			}
			c.Audited()
			return p.Installer.Status(), p.Store.Audit(c.Who, "install", req.Disk, "begun")
		}),
	}
}
