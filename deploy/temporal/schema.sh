#!/bin/sh
# Makes Temporal's two databases, or brings them up to date. All of it may be run again: what is there is left alone
# (temporalio/temporal tools/common/schema, and CreateDatabase of its PostgreSQL plugin).
set -eu

tool() {
  database=$1
  shift
  temporal-sql-tool --plugin postgres12 --ep "$SQL_HOST" -p "$SQL_PORT" -u "$SQL_USER" --db "$database" "$@"
}

for kind in temporal visibility; do
  if [ "$kind" = temporal ]; then name=temporal; else name=temporal_visibility; fi
  tool "$name" create
  tool "$name" setup-schema -v 0.0
  tool "$name" update-schema -d "/etc/temporal/schema/postgresql/v12/$kind/versioned"
done
