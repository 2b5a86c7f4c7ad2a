// hello-go: net/http in a static binary, which makes its system calls itself.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	var requests atomic.Int64
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, "hello from %s, request %d, pid %d\n", runtime.Version(), requests.Add(1), os.Getpid())
	})
	log.Fatal(http.ListenAndServe("0.0.0.0:"+port, nil))
}
