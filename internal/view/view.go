// Package view reads the bytes of a string as a slice, and the reverse,
// without a copy. It holds the project's only unsafe code.
package view

import "unsafe"

// Bytes is s as bytes that must never be written to: give them to readers
// such as hashes and decoders only.
func Bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// String is data as a string. The caller gives data away: nobody may write to
// it while the string lives.
func String(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// Within reports whether s is a part of text: of its memory, not only of what
// it says.
func Within(text, s string) bool {
	begin, at := uintptr(unsafe.Pointer(unsafe.StringData(text))), uintptr(unsafe.Pointer(unsafe.StringData(s)))
	return begin <= at && at+uintptr(len(s)) <= begin+uintptr(len(text))
}
