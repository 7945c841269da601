package api

import "net/http"

// The handlers know nothing of tokens: who gets here may do this.

func (a *API) list(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string][]Order{"orders": a.orders.all()})
}

func (a *API) create(w http.ResponseWriter, r *http.Request) {
	o, status, err := readOrder(w, r)
	if err != nil {
		writeError(w, status, err.Error())
		return
	}
	o = a.orders.add(o)
	w.Header().Set("Location", "/orders/"+o.ID)
	writeJSON(w, http.StatusCreated, o)
}

// put stores the order under the id that the caller chose, new or not: the
// route has one status for both. The body says everything anew.
func (a *API) put(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !canBeID(id) {
		writeNoOrder(w)
		return
	}
	o, status, err := readOrder(w, r)
	if err != nil {
		writeError(w, status, err.Error())
		return
	}
	o.ID = id
	a.orders.put(o)
	writeJSON(w, http.StatusOK, o)
}

// remove is idempotent: that the order is gone is what was asked for.
func (a *API) remove(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !canBeID(id) {
		writeNoOrder(w)
		return
	}
	a.orders.remove(id)
	w.WriteHeader(http.StatusNoContent)
}

func (a *API) keys(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"issuers": a.gate.Keys()})
}

// healthz says that the process is alive, whatever the issuers do: a load
// balancer that took the API out for their trouble would make it worse.
func (*API) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}
