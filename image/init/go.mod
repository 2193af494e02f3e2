module meetbox.local/image/init

go 1.26

require (
	github.com/gokrazy/gokrazy v0.0.0-20260703061218-a4a45a20149d
	golang.org/x/sys v0.46.0
)
