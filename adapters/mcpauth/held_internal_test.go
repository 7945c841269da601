package mcpauth

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

// After its handler has returned, or panicked, an answer is net/http's again: nothing
// that comes later may touch it.
func TestAnEndedAnswerIsNotTouched(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*held){
		"held back": func(h *held) { h.WriteHeader(http.StatusAccepted); _, _ = h.Write([]byte("held")); h.Flush() },
		"sent":      func(h *held) { h.release() },
		"refused":   func(h *held) { h.refuse(errors.New("no")) },
	} {
		w := &touched{ResponseRecorder: httptest.NewRecorder()}
		h := newHeld(w)
		begin(h)
		h.end()
		w.times = 0
		h.release()
		h.WriteHeader(http.StatusTeapot)
		_, err := h.Write([]byte("late"))
		h.Flush()
		assert.Error(t, err, name)
		assert.Zero(t, w.times, name)
	}
}

// touched counts what is done to an answer.
type touched struct {
	*httptest.ResponseRecorder
	times int
}

func (w *touched) Header() http.Header         { w.times++; return w.ResponseRecorder.Header() }
func (w *touched) WriteHeader(status int)      { w.times++; w.ResponseRecorder.WriteHeader(status) }
func (w *touched) Write(p []byte) (int, error) { w.times++; return w.ResponseRecorder.Write(p) }
func (w *touched) Flush()                      { w.times++; w.ResponseRecorder.Flush() }

// The first refusal counts, and none once the answer is on its way.
func TestARefusalThatComesAfterTheAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	first, second := errors.New("first"), errors.New("second")
	h := newHeld(httptest.NewRecorder())
	h.refuse(first)
	h.refuse(second)
	assert.Equal(t, first, h.finish())

	w := httptest.NewRecorder()
	h = newHeld(w)
	h.WriteHeader(http.StatusAccepted)
	h.WriteHeader(http.StatusTeapot)
	h.release()
	h.refuse(first)
	_, err := h.Write([]byte("answer"))
	assert.NoError(t, err)
	assert.NoError(t, h.finish())
	assert.Equal(t, http.StatusAccepted, w.Code)
	assert.Equal(t, "answer", w.Body.String())
}
