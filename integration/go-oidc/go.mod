module github.com/sallyport-go/sallyport/integration/go-oidc

go 1.26.0

replace github.com/sallyport-go/sallyport/integration => ../

require (
	github.com/luikyv/go-oidc v0.10.0
	github.com/sallyport-go/sallyport/integration v0.0.0-00010101000000-000000000000
	golang.org/x/crypto v0.53.0
)

require (
	github.com/go-jose/go-jose/v4 v4.1.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
)
