//go:build !race

package strictjson_test

const race = false
