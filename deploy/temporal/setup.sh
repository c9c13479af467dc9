#!/bin/sh
# The namespace and the search attributes of Layover; may be run again. Right after its start a server refuses to make
# a namespace for some seconds, so that is tried until it is there.
set -eu

tries=0
until temporal operator namespace describe -n "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create -n "$TEMPORAL_NAMESPACE" --retention 30d; do
  tries=$((tries + 1))
  if [ "$tries" -ge 30 ]; then
    echo "the namespace $TEMPORAL_NAMESPACE could not be made" >&2
    exit 1
  fi
  sleep 2
done

temporal operator search-attribute create -n "$TEMPORAL_NAMESPACE" \
  --name FlyApp --type Keyword --name FlyImage --type Keyword --name RolloutPhase --type Keyword
