package api

import (
	"slices"
	"strconv"
	"sync"
)

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
		s.add(o)
	}
	return s
}

// all is a copy.
func (s *store) all() []Order {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]Order{}, s.orders...) // [] rather than null
}

// add gives the order an id of its own.
func (s *store) add(o Order) Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	for o.ID == "" || s.find(o.ID) >= 0 {
		s.lastID++
		o.ID = strconv.Itoa(s.lastID)
	}
	s.append(o)
	return o
}

// put replaces the order of that id, or adds it.
func (s *store) put(o Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(o.ID); i >= 0 {
		s.orders[i] = o
	} else {
		s.append(o)
	}
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

func (s *store) append(o Order) {
	if len(s.orders) >= maxOrders {
		s.orders = slices.Delete(s.orders, 0, 1)
	}
	s.orders = append(s.orders, o)
}
