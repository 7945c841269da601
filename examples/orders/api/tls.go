package api

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

func (f *Features) wrongTLS() (errs []error) {
	if (f.TLSCert == "") != (f.TLSKey == "") {
		errs = append(errs, errors.New("-tls-cert and -tls-key go together: one is missing"))
	}
	if f.MTLSCA != "" && f.TLSCert == "" && f.TLSKey == "" {
		errs = append(errs, errors.New("-mtls-ca wants -tls-cert and -tls-key: certificates of clients come by TLS"))
	}
	return errs
}

// tls returns how the API serves https, nil if it does not. A client without a
// certificate gets as far as the Guard, which answers it; one with a certificate
// of another CA gets no connection.
func (f *Features) tls() (*tls.Config, error) {
	if f.TLSCert == "" || f.TLSKey == "" {
		return nil, nil //nolint:nilnil // there need not be one
	}
	own, err := tls.LoadX509KeyPair(f.TLSCert, f.TLSKey)
	if err != nil {
		err = fmt.Errorf("-tls-cert and -tls-key: %w", err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
	if f.MTLSCA == "" {
		return cfg, err
	}
	text, wrong := os.ReadFile(f.MTLSCA)
	if wrong != nil {
		return cfg, errors.Join(err, fmt.Errorf("-mtls-ca: %w", wrong))
	}
	cfg.ClientAuth, cfg.ClientCAs = tls.VerifyClientCertIfGiven, x509.NewCertPool()
	if !cfg.ClientCAs.AppendCertsFromPEM(text) {
		err = errors.Join(err, fmt.Errorf("-mtls-ca: %s has no certificate in PEM", f.MTLSCA))
	}
	return cfg, err
}
