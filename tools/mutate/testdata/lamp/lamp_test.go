package lamp

import (
	"errors"
	"testing"
)

func TestBurn(t *testing.T) {
	l := Lamp{Hours: 4, Left: 4}
	if l.Burn(3) != nil || l.Left != 1 {
		t.Fatal("three hours of four")
	}
	if err := l.Burn(2); !errors.Is(err, ErrBroken) {
		t.Fatal("two hours of one")
	}
}

func TestBright(t *testing.T) {
	if l := (Lamp{Hours: 4, Left: 4}); !l.Bright() {
		t.Fatal("a new lamp")
	}
	if l := (Lamp{Hours: 4}); l.Bright() {
		t.Fatal("an old lamp")
	}
}

func TestWait(t *testing.T) {
	if Wait(3) != 3 {
		t.Fatal("three steps")
	}
}
