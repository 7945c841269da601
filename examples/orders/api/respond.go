package api

import (
	"encoding/json"
	"net/http"
)

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // cannot happen: what is written here are plain values
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func writeError(w http.ResponseWriter, status int, what string) {
	writeJSON(w, status, map[string]string{"error": what})
}

func writeNoOrder(w http.ResponseWriter) {
	writeError(w, http.StatusNotFound, "there is no such order: ids are up to 64 of a-z, A-Z, 0-9, - and _")
}
