#!/bin/sh
# The namespace and the search attributes of Layover; may be run again. A server that has just started refuses to make
# a namespace for some seconds, and one that has just made it does not know it everywhere yet: so each is tried again.
set -eu

again() {
  what=$1
  shift
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    if [ "$tries" -ge 30 ]; then
      echo "$what could not be made" >&2
      exit 1
    fi
    sleep 2
  done
}

namespace() {
  temporal operator namespace describe -n "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create -n "$TEMPORAL_NAMESPACE" --retention 30d
}

attributes() {
  temporal operator search-attribute create -n "$TEMPORAL_NAMESPACE" \
    --name FlyApp --type Keyword --name FlyImage --type Keyword --name RolloutPhase --type Keyword
}

again "the namespace $TEMPORAL_NAMESPACE" namespace
again "the search attributes" attributes
