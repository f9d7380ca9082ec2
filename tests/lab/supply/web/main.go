// Copyright (c) 2026, kubeops.maintenance contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command web is the service that tests keep under traffic: every request is answered with the pod's host name.
//
// On SIGTERM it is a lame duck: /healthz fails, so that the pod leaves the Service's endpoints, while requests that
// still arrive are served for some seconds more; then the listener closes and requests under way are finished.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	listen := flag.String("listen", ":8080", "address to listen on")
	lameDuck := flag.Duration("lame-duck", 5*time.Second, "how long to go on serving after SIGTERM")
	finish := flag.Duration("finish", 10*time.Second, "how long requests under way may take at the end")
	flag.Parse()

	name, err := os.Hostname()
	if err != nil {
		log.Fatal(err)
	}
	var leaving atomic.Bool
	routes := http.NewServeMux()
	routes.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(answer, name)
	})
	routes.HandleFunc("/healthz", func(answer http.ResponseWriter, _ *http.Request) {
		if leaving.Load() {
			http.Error(answer, "leaving", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(answer, "ok")
	})
	server := &http.Server{Addr: *listen, Handler: routes, ReadHeaderTimeout: 5 * time.Second}

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		<-stop.Done()
		leaving.Store(true)
		log.Printf("leaving: serving for another %s", *lameDuck)
		time.Sleep(*lameDuck)
		limit, cancel := context.WithTimeout(context.Background(), *finish)
		defer cancel()
		if err := server.Shutdown(limit); err != nil {
			log.Printf("requests cut off: %v", err)
		}
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-finished
}
