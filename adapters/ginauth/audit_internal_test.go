package ginauth

import (
	"reflect"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func first(*gin.Context)  {}
func second(*gin.Context) {}

// A Gin that keeps its routes otherwise must make the audit fail, not pass.
func TestChainsThatAreNotThoseOfTheRoutesAreAnError(t *testing.T) {
	t.Parallel()
	told := gin.RoutesInfo{{Method: "GET", Path: "/a", HandlerFunc: first}}
	good := chain{method: "GET", pattern: "/a", handlers: gin.HandlersChain{second, first}}
	require.NoError(t, confirm([]chain{good}, told))
	for name, all := range map[string][]chain{
		"none at all":     nil,
		"one too many":    {good, good},
		"another method":  {{method: "PUT", pattern: "/a", handlers: good.handlers}},
		"another pattern": {{method: "GET", pattern: "/b", handlers: good.handlers}},
		"another handler": {{method: "GET", pattern: "/a", handlers: gin.HandlersChain{first, second}}},
	} {
		assert.EqualError(t, confirm(all, told),
			"ginauth: Audit does not know this version of Gin ("+gin.Version+"): the handlers found are not those of its routes", name)
	}
}

// An engine that keeps its routes as Gin does.
type (
	fakeEngine struct{ trees []fakeTree }
	fakeTree   struct {
		method string
		root   *fakeNode
	}
	fakeNode struct {
		path     string
		nType    uint8
		handlers gin.HandlersChain
		children []*fakeNode
	}
)

func TestWhatIsFoundIsComparedWithWhatGinExports(t *testing.T) {
	t.Parallel()
	leaf := &fakeNode{path: "a", nType: 0, handlers: gin.HandlersChain{second, first}}
	fields := reflect.ValueOf(&fakeEngine{[]fakeTree{{"GET", &fakeNode{path: "/", children: []*fakeNode{leaf}}}}}).Elem()

	all, err := routed(fields, gin.RoutesInfo{{Method: "GET", Path: "/a", HandlerFunc: first}})
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, codeOf(second), codeOf(all[0].handlers[0]))
	_, err = routed(fields, gin.RoutesInfo{{Method: "GET", Path: "/a", HandlerFunc: second}})
	assert.ErrorIs(t, err, errLayout)
}

func TestAFieldOfAnotherKindIsNoChain(t *testing.T) {
	t.Parallel()
	s := struct{ handlers []int }{[]int{1}}
	assert.PanicsWithValue(t, "handlers is a []int", func() { handlersIn(reflect.ValueOf(&s).Elem(), "handlers") })
	assert.Panics(t, func() { handlersIn(reflect.ValueOf(&s).Elem(), "chain") })
}

func TestChainsOfNoEngineAreAnErrorAndNoPanic(t *testing.T) {
	t.Parallel()
	report, err := Audit(nil)
	assert.ErrorContains(t, err, "ginauth: Audit does not know this version of Gin")
	assert.Nil(t, report)
}

func TestDoorsAreToldFromOtherHandlers(t *testing.T) {
	t.Parallel()
	assert.Equal(t, codeOfDoors, codeOf((&door{}).asGin()))
	assert.NotEqual(t, codeOfDoors, codeOf(first))
	c := chain{handlers: gin.HandlersChain{nil, first, (&door{handler: passed}).asGin(), second}}
	assert.Len(t, c.doors(), 1)
}
