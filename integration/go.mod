module github.com/sallyport-go/sallyport/integration

go 1.26.0

replace github.com/sallyport-go/sallyport => ../

require (
	github.com/go-jose/go-jose/v4 v4.1.0
	github.com/stretchr/testify v1.12.1
	golang.org/x/oauth2 v0.37.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
