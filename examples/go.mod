module github.com/sallyport-go/sallyport/examples

go 1.26.0

replace github.com/sallyport-go/sallyport => ../

require (
	github.com/stretchr/testify v1.12.1
	go.uber.org/goleak v1.3.0
	golang.org/x/oauth2 v0.37.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
