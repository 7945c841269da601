module github.com/sallyport-go/sallyport

go 1.26
