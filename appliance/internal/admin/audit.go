package admin

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

func auditRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/audit", api.Auditor, "The audit log, the newest first (before=).", p.getAudit),
		download("/api/v1/audit.jsonl", api.Auditor, "The whole audit log, one line each, the oldest first.", "application/jsonl", p.exportAudit),
	}
}

func (p *Parts) getAudit(c *Call) (out api.Audit, err error) {
	before, err := c.Number("before")
	if err != nil {
		return out, err
	}
	if out.Rows, out.More, err = p.Store.AuditRows(before, page); err != nil {
		return out, err
	}
	all, err := p.allRows()
	out.Broken = state.Check(all)
	out.Intact = err == nil && out.Broken == 0
	return out, err
}

// allRows is the whole log, the oldest first.
func (p *Parts) allRows() ([]api.AuditRow, error) {
	all, _, err := p.Store.AuditRows(0, math.MaxInt)
	slices.Reverse(all)
	return all, err
}

func (p *Parts) exportAudit(*Call) (File, error) {
	all, err := p.allRows()
	if err != nil {
		return File{}, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, r := range all {
		if err := e.Encode(r); err != nil {
			return File{}, err
		}
	}
	return File{Name: "meetbox-audit.jsonl", Body: &b}, nil
}
