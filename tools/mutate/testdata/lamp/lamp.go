// Package lamp is for mutate's own test: some of its lines are tested, some are not, and one cannot matter.
package lamp

import "errors"

// ErrBroken is a lamp that does not burn any more.
var ErrBroken = errors.New("broken")

// Lamp burns for a number of hours.
type Lamp struct{ Hours, Left int }

// Burn uses hours up.
func (l *Lamp) Burn(hours int) error {
	if hours < 0 {
		return ErrBroken
	}
	for range hours {
		if l.Left == 0 {
			return ErrBroken
		}
		l.Left--
	}
	return nil
}

// Bright reports whether the lamp is new or nearly so.
func (l *Lamp) Bright() bool { return l.Left > 0 && l.Left >= l.Hours/2 }

// Wait never ends if its step is left out.
func Wait(n int) int {
	steps := 0
	for n > 0 {
		n--
		steps++
	}
	return steps
}

func forgotten() bool { return true }
