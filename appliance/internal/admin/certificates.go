package admin

import (
	"bytes"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/state"
)

func certificateRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/certificates", api.Viewer, "Who vouches for the box, until when, and what is missing.", p.getCertificates),
		send(http.MethodPost, "/api/v1/certificates/check", api.Admin, "Says what is wrong with a certificate before it is used.", p.checkCertificate),
		send(http.MethodPut, "/api/v1/certificates/site", api.Admin, "Uses a certificate from outside, with its key or as the answer to the box's request.", p.putCertificate),
		send(http.MethodDelete, "/api/v1/certificates/site", api.Admin, "Goes back to the box's own authority and forgets the certificate from outside.", p.dropCertificate),
		send(http.MethodPost, "/api/v1/certificates/request", api.Admin, "Makes a key and a request for an authority to sign.", p.makeRequest),
		send(http.MethodDelete, "/api/v1/certificates/request", api.Admin, "Forgets the request and its key.", p.dropRequest),
		download("/api/v1/certificates/request.pem", api.Admin, "The request, as a file.", "application/pkcs10", p.getRequest),
		download("/api/v1/certificates/ca.pem", api.Nobody, "The certificate of the box's own authority, for devices to trust.", "application/x-pem-file", p.getAuthority),
	}
}

func (p *Parts) getCertificates(*Call) (out api.CertificateState, err error) {
	all := p.certificates()
	out.Own, out.Authority, out.XMPP = all.Web, all.Authority, all.XMPP
	status := p.Source.Status()
	out.TrustURL = strings.TrimSuffix(status.Authority, "ca.crt") + "trust"
	set, err := p.Store.Settings()
	if err != nil {
		return out, err
	}
	if out.Source = set.Settings.Certificates.Source; out.Source == "" {
		out.Source = api.SourceOwn
	}
	if p.SiteProblem != nil {
		out.Problem = p.SiteProblem()
	}
	if q, ok, err := p.Store.Request(); err != nil {
		return out, err
	} else if ok {
		out.Request = shownRequest(q)
	}
	ch, ok, err := p.Store.Chain(string(out.Source))
	if err == nil && ok {
		out.Site, err = p.describeChain(ch)
		if err == nil && out.Source != api.SourceACME {
			out.Site.Certificate.RenewAt = time.Time{} // somebody has to
		}
	}
	return out, err
}

func (p *Parts) describeChain(ch state.Chain) (*api.SiteCertificate, error) {
	site, err := certs.Describe(p.now(), ch, p.Source.Status().Names)
	if err != nil {
		return nil, err
	}
	leaf, err := certs.Leaf(ch)
	if err != nil {
		return nil, err
	}
	site.Certificate = describe(leaf)
	return &site, nil
}

// pendingKey is the key of the request that waits for its answer.
func (p *Parts) pendingKey() ([]byte, error) {
	q, ok, err := p.Store.Request()
	if !ok {
		return nil, err
	}
	return q.Key, err
}

func (p *Parts) checkUpload(u api.CertificateUpload) (state.Chain, error) {
	key, err := p.pendingKey()
	if err != nil {
		return state.Chain{}, err
	}
	return certs.Upload(p.now(), u, key)
}

func (p *Parts) checkCertificate(c *Call, u api.CertificateUpload) (out api.SiteCertificate, err error) {
	c.Audited() // nothing changes
	ch, err := p.checkUpload(u)
	if err != nil {
		return out, err
	}
	site, err := p.describeChain(ch)
	if err != nil {
		return out, err
	}
	return *site, nil
}

func (p *Parts) putCertificate(c *Call, u api.CertificateUpload) (out api.CertificateState, err error) {
	c.Audited()
	ch, err := p.checkUpload(u)
	if err != nil {
		return out, err
	}
	answered, err := p.pendingKey()
	if err != nil {
		return out, err
	}
	err = p.Store.Update(func(tx *state.Tx) error {
		if err := state.Put(tx, "certificates", string(api.SourceUploaded), ch); err != nil {
			return err
		}
		if answered != nil && bytes.Equal(answered, ch.Key) {
			if err := state.Delete(tx, "certificates", "request"); err != nil {
				return err
			}
		}
		leaf, err := certs.Leaf(ch)
		if err != nil {
			return err
		}
		return errors.Join(tx.Audit(c.Who, "certificate from outside", leaf.Subject.String(), certs.Fingerprint(leaf.Raw)),
			setSource(tx, c.Who, api.SourceUploaded))
	})
	if err != nil {
		return out, err
	}
	if err := p.Apply(c.Context()); err != nil {
		return out, err
	}
	return p.getCertificates(c)
}

// setSource changes where the certificate comes from and leaves the rest.
func setSource(tx *state.Tx, who state.Actor, source api.CertificateSource) error {
	var set api.CertificateSettings
	if err := tx.Section("certificates", &set); err != nil {
		return err
	}
	set.Source = source
	_, err := tx.PutSection(who, "certificates", nil, &set)
	return err
}

func (p *Parts) dropCertificate(c *Call, _ None) (out api.CertificateState, err error) {
	c.Audited()
	err = p.Store.Update(func(tx *state.Tx) error {
		return errors.Join(
			state.Delete(tx, "certificates", string(api.SourceUploaded)),
			tx.Audit(c.Who, "certificate from outside forgotten", "", ""),
			setSource(tx, c.Who, api.SourceOwn))
	})
	if err != nil {
		return out, err
	}
	if err := p.Apply(c.Context()); err != nil {
		return out, err
	}
	return p.getCertificates(c)
}

func (p *Parts) makeRequest(c *Call, q api.NewCertificateRequest) (out api.CertificateRequest, err error) {
	c.Audited()
	der, key, err := certs.Request(q)
	if err != nil {
		return out, err
	}
	kept := state.Request{Names: q.Names, Made: p.now().UTC(), DER: der, Key: key}
	err = p.Store.Update(func(tx *state.Tx) error {
		return errors.Join(state.Put(tx, "certificates", "request", kept), tx.Audit(c.Who, "certificate request made", q.Names[0], ""))
	})
	return *shownRequest(kept), err
}

func shownRequest(q state.Request) *api.CertificateRequest {
	return &api.CertificateRequest{
		Names: q.Names, Made: q.Made,
		PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: q.DER})),
	}
}

func (p *Parts) dropRequest(c *Call, _ None) (None, error) {
	c.Audited()
	return None{}, p.Store.Update(func(tx *state.Tx) error {
		return errors.Join(state.Delete(tx, "certificates", "request"), tx.Audit(c.Who, "certificate request forgotten", "", ""))
	})
}

func (p *Parts) getRequest(*Call) (File, error) {
	q, ok, err := p.Store.Request()
	if err != nil {
		return File{}, err
	}
	if !ok {
		return File{}, state.ErrNone
	}
	return File{Name: "meetbox.csr", Body: strings.NewReader(shownRequest(q).PEM)}, nil
}

func (p *Parts) getAuthority(*Call) (File, error) {
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Source.Certificates().Authority.Raw})
	return File{Name: "meetbox-ca.pem", Body: bytes.NewReader(b)}, nil
}
