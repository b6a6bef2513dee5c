#!/bin/sh
# Runs leat in a pod under development, and starts it anew when live update has put another one in its place. Ends with it.
live=${LIVE:-/tmp/live/leat} built=${BUILT:-/usr/local/bin/leat}
program() { if [ -x "$live" ]; then echo "$live"; else echo "$built"; fi; }
version() { stat -L -c %i.%Y.%s "$(program)"; }
pid=
trap 'kill -TERM "$pid"; wait "$pid"; exit $?' TERM INT
while :; do
	seen=$(version)
	"$(program)" "$@" &
	pid=$!
	again=
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		now=$(version)
		if [ "$now" != "$seen" ] && sleep 0.5 && [ "$now" = "$(version)" ]; then # it is there whole
			echo "run.sh: another binary is here; starting it" >&2
			again=yes
			kill -TERM "$pid"
			wait "$pid"
			break
		fi
	done
	if [ -z "$again" ]; then
		wait "$pid"
		exit $?
	fi
done
