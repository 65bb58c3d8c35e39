#!/bin/sh
# What the image starts: `docker run warmer doctor` runs `warmer doctor`; a path or one of the program's two names is run as it
# stands, so that `command: ["/app/worker_cache_warmer"]` works. `exec`: the program gets the signals that the container gets.
set -eu

case "${1-}" in
warmer | worker_cache_warmer | */*) exec "$@" ;;
*) exec warmer "$@" ;;
esac
