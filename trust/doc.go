// Package trust has no code of its own. Its tests ask other libraries about the same tokens, under the same policy. It is
// a module of its own, so that those libraries never reach a user.
package trust
