package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"regexp"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
)

// handlers are the routes and what they need. They know nothing of tokens:
// a request that arrives here may do this. It is safe for concurrent use.
type handlers struct {
	gate   *sallyport.Gate
	levels claims.AccessLevels
	orders *store
}

func (h *handlers) list(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string][]Order{"orders": h.orders.all()})
}

func (h *handlers) create(w http.ResponseWriter, r *http.Request) {
	o, status, err := readOrder(w, r)
	if err != nil {
		writeError(w, status, err.Error())
		return
	}
	o = h.orders.add(o)
	w.Header().Set("Location", "/orders/"+o.ID)
	writeJSON(w, http.StatusCreated, o)
}

// put stores the order under the id that the caller chose, new or not: the
// route has one status for both. The body says everything anew.
func (h *handlers) put(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !orderIDs.MatchString(id) {
		writeNoOrder(w)
		return
	}
	o, status, err := readOrder(w, r)
	if err != nil {
		writeError(w, status, err.Error())
		return
	}
	o.ID = id
	h.orders.put(o)
	writeJSON(w, http.StatusOK, o)
}

// remove is idempotent: that the order is gone is what was asked for.
func (h *handlers) remove(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !orderIDs.MatchString(id) {
		writeNoOrder(w)
		return
	}
	h.orders.remove(id)
	w.WriteHeader(http.StatusNoContent)
}

func (h *handlers) keys(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"issuers": h.gate.Keys()})
}

// healthz says that the process is alive, whatever the issuers do: a load
// balancer that took the API out for their trouble would make it worse.
func (*handlers) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// whoami tells callers what their own token says about them.
func (*handlers) whoami(w http.ResponseWriter, r *http.Request) {
	c, ok := claims.FromContext(r.Context())
	if !ok { // only if the route was mounted without a Guard
		writeError(w, http.StatusInternalServerError, "this route is not guarded")
		return
	}
	writeJSON(w, http.StatusOK, identity{
		Issuer:      c.Issuer(),
		Subject:     c.Subject(),
		ClientID:    c.ClientID(),
		Caller:      cmp.Or(string(c.Caller()), "unknown"),
		Audiences:   list(c.Audiences()),
		Scopes:      list(c.Scopes()),
		Roles:       list(c.Roles()),
		Permissions: list(c.Permissions()),
		ExpiresAt:   c.ExpiresAt(),
	})
}

type identity struct {
	Issuer      string    `json:"issuer"`
	Subject     string    `json:"subject,omitempty"`
	ClientID    string    `json:"client_id,omitempty"`
	Caller      string    `json:"caller"` // app, user or unknown
	Audiences   []string  `json:"audiences"`
	Scopes      []string  `json:"scopes"`
	Roles       []string  `json:"roles"`
	Permissions []string  `json:"permissions"`
	ExpiresAt   time.Time `json:"expires_at"`
}

// list is [] rather than null when it is empty.
func list(names iter.Seq[string]) []string {
	out := []string{}
	for name := range names {
		out = append(out, name)
	}
	return out
}

// Limits of an order.
const (
	maxBody     = 64 << 10 // bytes
	maxItem     = 200      // bytes
	maxQuantity = 1_000_000
)

// Order is what the API is about.
type Order struct {
	ID       string `json:"id"`
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
}

// readOrder reads an order from a request's body, without its ID. An empty body
// is an order of nothing in particular: it keeps curl lines short. The error is
// for the caller, with the status to send it with.
func readOrder(w http.ResponseWriter, r *http.Request) (o Order, status int, err error) {
	o.Quantity = 1
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	err = in.Decode(&o)
	if err == nil && in.More() {
		err = errors.New("something follows the JSON object")
	}
	o.ID = ""
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, io.EOF):
		return o, 0, nil
	case errors.As(err, &tooLarge):
		return o, http.StatusRequestEntityTooLarge, fmt.Errorf("the body is larger than %d bytes", tooLarge.Limit)
	case err != nil:
		return o, http.StatusBadRequest, fmt.Errorf(`the body must be a JSON object such as {"item":"coffee","quantity":2}: %w`, err)
	}
	return o, http.StatusBadRequest, o.check()
}

func (o Order) check() error {
	var errs []error
	if len(o.Item) > maxItem {
		errs = append(errs, fmt.Errorf("item is longer than %d bytes", maxItem))
	}
	if o.Quantity < 1 || o.Quantity > maxQuantity {
		errs = append(errs, fmt.Errorf("quantity must be between 1 and %d", maxQuantity))
	}
	return errors.Join(errs...)
}

var orderIDs = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // cannot happen: what is written here are plain values
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func writeError(w http.ResponseWriter, status int, what string) {
	writeJSON(w, status, map[string]string{"error": what})
}

func writeNoOrder(w http.ResponseWriter) {
	writeError(w, http.StatusNotFound, "there is no such order: ids are up to 64 of a-z, A-Z, 0-9, - and _")
}
