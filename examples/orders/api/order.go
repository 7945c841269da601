package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Limits of an order.
const (
	maxBody     = 64 << 10 // bytes
	maxItem     = 200      // bytes
	maxQuantity = 1_000_000
	maxID       = 64
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

// canBeID tells the ids that an order can have.
func canBeID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
