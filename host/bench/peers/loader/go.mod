module goop/host/bench/peers/loader

go 1.26.0

replace goop => ../../../..

require goop v0.0.0-00010101000000-000000000000

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)
