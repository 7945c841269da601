package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport-go/sallyport/examples/orders/api"
)

// trust collects -issuer and -audience as they come: an audience belongs to the
// issuers right before it, or to all if it comes before any.
type trust struct {
	issuers []api.Issuer
	current []int // the issuers that an audience belongs to now
	closed  bool  // an audience came: the next issuer begins a new run
	forAll  []string
}

func (t *trust) issuer(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if t.closed {
		t.current, t.closed = nil, false
	}
	i := slices.IndexFunc(t.issuers, func(i api.Issuer) bool { return i.Name == name })
	if i < 0 {
		i = len(t.issuers)
		t.issuers = append(t.issuers, api.Issuer{Name: name, Audiences: slices.Clone(t.forAll)})
	}
	t.current = append(t.current, i)
	return nil
}

func (t *trust) audience(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if len(t.issuers) == 0 {
		t.forAll = append(t.forAll, name)
		return nil
	}
	t.closed = true
	for _, i := range t.current {
		t.issuers[i].Audiences = append(t.issuers[i].Audiences, name)
	}
	return nil
}

func (t *trust) mistakes() []error {
	var errs []error
	if len(t.issuers) == 0 && len(t.forAll) > 0 {
		errs = append(errs, errors.New("orders: -audience without -issuer: say whose tokens are meant with -issuer, or leave both out"))
	}
	for _, i := range t.issuers {
		if len(i.Audiences) == 0 {
			errs = append(errs, fmt.Errorf("orders: -issuer %s has no audience: add -audience after it", i.Name))
		}
	}
	return errs
}
