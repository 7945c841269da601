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
	"slices"
	"strconv"
	"sync"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
)

// handlers are the routes and what they need. They know nothing of tokens:
// a request that arrives here may do this. It is safe for concurrent use.
type handlers struct {
	gate     *sallyport.Gate
	levels   claims.AccessLevels
	creating claims.Rule // of POST /orders
	orders   *store
}

func (h *handlers) list(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string][]Order{"orders": h.orders.all()})
}

func (h *handlers) create(w http.ResponseWriter, r *http.Request) {
	if o, ok := readOrder(w, r); ok {
		o = h.orders.put(o)
		w.Header().Set("Location", "/orders/"+o.ID)
		writeJSON(w, http.StatusCreated, o)
	}
}

// put stores the order under the id that the caller chose, new or not: the
// route has one status for both. The body says everything anew.
func (h *handlers) put(w http.ResponseWriter, r *http.Request) {
	id, ok := readID(w, r)
	if !ok {
		return
	}
	if o, ok := readOrder(w, r); ok {
		o.ID = id
		writeJSON(w, http.StatusOK, h.orders.put(o))
	}
}

// remove is idempotent: that the order is gone is what was asked for.
func (h *handlers) remove(w http.ResponseWriter, r *http.Request) {
	if id, ok := readID(w, r); ok {
		h.orders.remove(id)
		w.WriteHeader(http.StatusNoContent)
	}
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
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer": c.Issuer(), "subject": c.Subject(), "client_id": c.ClientID(), "expires_at": c.ExpiresAt(),
		"caller":    cmp.Or(string(c.Caller()), "unknown"), // app, user or unknown
		"audiences": list(c.Audiences()), "scopes": list(c.Scopes()), "roles": list(c.Roles()), "permissions": list(c.Permissions()),
	})
}

// list is [] rather than null when it is empty.
func list(names iter.Seq[string]) []string {
	return slices.AppendSeq([]string{}, names)
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

// readOrder reads an order from a request's body, without its ID, or answers
// why there is none. An empty body is an order of nothing in particular: it
// keeps curl lines short.
func readOrder(w http.ResponseWriter, r *http.Request) (o Order, ok bool) {
	o.Quantity = 1
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	err := in.Decode(&o)
	o.ID = ""
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		writeError(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit))
	case err != nil && !errors.Is(err, io.EOF):
		writeError(w, http.StatusBadRequest, `the body must be a JSON object such as {"item":"coffee","quantity":2}: `+err.Error())
	case in.More():
		writeError(w, http.StatusBadRequest, "something follows the JSON object")
	case len(o.Item) > maxItem:
		writeError(w, http.StatusBadRequest, fmt.Sprintf("item is longer than %d bytes", maxItem))
	case o.Quantity < 1 || o.Quantity > maxQuantity:
		writeError(w, http.StatusBadRequest, fmt.Sprintf("quantity must be between 1 and %d", maxQuantity))
	default:
		return o, true
	}
	return o, false
}

var orderIDs = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// readID reads an order's id from the path, or answers that there is no such.
func readID(w http.ResponseWriter, r *http.Request) (id string, ok bool) {
	id = r.PathValue("id")
	if ok = orderIDs.MatchString(id); !ok {
		writeError(w, http.StatusNotFound, "there is no such order: ids are up to 64 of a-z, A-Z, 0-9, - and _")
	}
	return id, ok
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // only plain values are written: if it fails, the reader is gone
}

func writeError(w http.ResponseWriter, status int, what string) {
	writeJSON(w, status, map[string]string{"error": what})
}

// maxOrders bounds the memory: a new order beyond it displaces the oldest.
const maxOrders = 1000

// store keeps orders in memory, in the order of their arrival. It is safe for
// concurrent use.
type store struct {
	mu     sync.RWMutex
	orders []Order
	lastID int
}

func newStore() *store {
	s := new(store)
	for _, o := range []Order{{Item: "coffee", Quantity: 2}, {Item: "cinnamon bun", Quantity: 4}, {Item: "oat milk", Quantity: 1}} {
		s.put(o)
	}
	return s
}

// all is a copy.
func (s *store) all() []Order {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]Order{}, s.orders...) // [] rather than null
}

// put replaces the order of that id, or adds it: without an id, under one of
// the store's own.
func (s *store) put(o Order) Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	for own := o.ID == ""; own && (o.ID == "" || s.find(o.ID) >= 0); {
		s.lastID++
		o.ID = strconv.Itoa(s.lastID)
	}
	if i := s.find(o.ID); i >= 0 {
		s.orders[i] = o
		return o
	}
	if len(s.orders) >= maxOrders {
		s.orders = slices.Delete(s.orders, 0, 1)
	}
	s.orders = append(s.orders, o)
	return o
}

// remove does nothing if there is no such order.
func (s *store) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(id); i >= 0 {
		s.orders = slices.Delete(s.orders, i, i+1)
	}
}

func (s *store) find(id string) int {
	return slices.IndexFunc(s.orders, func(o Order) bool { return o.ID == id })
}
