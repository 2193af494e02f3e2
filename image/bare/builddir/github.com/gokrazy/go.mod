module meetbox.local/image/bare/kernel

go 1.26

require (
	github.com/gokrazy/gokrazy v0.0.0-20260703061218-a4a45a20149d
	github.com/gokrazy/kernel.amd64 v0.0.0-20260705070735-de680abf072b
)
