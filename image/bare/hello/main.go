// Hello answers every request with a word. It is the only program of the bare
// gokrazy image that "make image-test" compares the box's start with.
package main

import (
	"io"
	"log"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello\n") })
	log.Fatal(http.ListenAndServe(":80", nil))
}
