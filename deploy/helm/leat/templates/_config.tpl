{{- /* The file that a component's processes read, as `leat config` prints it. Takes root, component, pool, v. */ -}}
{{- define "leat.config" -}}
{{- $stop := .root.Values.stop -}}
{{- $host := dict "http" ":8080" "grpc" ":8081" "ready_delay" (printf "%ds" (int $stop.readyDelaySeconds)) "drain_timeout" (printf "%ds" (int $stop.drainSeconds)) -}}
{{- $nats := dict "lease_replicas" .root.Values.nats.leaseReplicas -}}
{{- if include "leat.natsCredsKey" .root }}{{ $_ := set $nats "creds" "/etc/leat/nats/nats.creds" }}{{ end -}}
{{- $own := dict "host" $host "nats" $nats -}}
{{- if eq .component "worker" -}}
{{- $_ := set $own "worker" (include "leat.workerConfig" . | fromYaml) -}}
{{- else if has .component (list "ingestor" "validator") -}}
{{- with .v.config }}{{ $_ := set $own $.component . }}{{ end -}}
{{- with .root.Values.data.config }}{{ $_ := set $own "data" . }}{{ end -}}
{{- $_ := set $own "blob" (dict "url" .root.Values.data.store) -}}
{{- else -}}
{{- with .v.config }}{{ $_ := set $own $.component . }}{{ end -}}
{{- with include "leat.pools" .root | fromYaml }}{{ $_ := set $own "pools" . }}{{ end -}}
{{- end -}}
{{- mergeOverwrite (deepCopy .root.Values.config) $own | toYaml -}}
{{- end }}

{{- /* The pools' settings, with the bounds of those that KEDA scales: these stand in one place, autoscaling of the pool. */ -}}
{{- define "leat.pools" -}}
{{- $pools := deepCopy .Values.pools -}}
{{- range (include "leat.components" . | fromJson).list -}}
{{- if and .pool .v.autoscaling.enabled .v.autoscaling.keda.enabled -}}
{{- $scaling := dig .pool "scaling" (dict) $pools -}}
{{- if or (hasKey $scaling "min") (hasKey $scaling "max") }}{{ fail (printf "pools: %s: leave scaling.min and max to autoscaling.minReplicas and maxReplicas of the pool in workers, which KEDA goes by, too" .pool) }}{{ end -}}
{{- $_ := set $pools .pool (mergeOverwrite (deepCopy (get $pools .pool | default dict)) (dict "scaling" (dict "min" (int .v.autoscaling.minReplicas) "max" (int .v.autoscaling.maxReplicas)))) -}}
{{- end -}}
{{- end -}}
{{- $pools | toYaml -}}
{{- end }}

{{- define "leat.workerConfig" -}}
{{- $own := dict "engine" .v.engine "model" .v.model "pool" .pool "grace" (printf "%ds" (max 1 (sub (int .root.Values.stop.drainSeconds) 3))) -}}
{{- with .v.slots }}{{ $_ := set $own "slots" . }}{{ end -}}
{{- if eq .v.engine "openai" -}}
{{- $openai := dict "upstream" .v.upstream -}}
{{- with .v.server -}}
{{- $_ := set $openai "upstream" (printf "http://127.0.0.1:%d" (int (.port | default 8000))) -}}
{{- $_ := set $openai "upstream_kind" (index (include "leat.serverKinds" $ | fromYaml) .kind).upstream -}}
{{- end -}}
{{- if .v.apiKey }}{{ $_ := set $openai "api_key_env" "UPSTREAM_API_KEY" }}{{ end -}}
{{- $_ := set $own "openai" $openai -}}
{{- end -}}
{{- $spot := dict "spot" (dict "provider" (include "leat.notices" . | default "off")) -}}
{{- mergeOverwrite $spot (deepCopy .v.config) $own | toYaml -}}
{{- end }}

{{- /* Whose notices that its machine is taken away a pool of workers heeds; nothing: none. Takes root, v. */ -}}
{{- define "leat.notices" -}}
{{- if eq (.v.capacity | default "any") "spot" }}{{ .root.Values.nodePools.spot.notices }}{{ end -}}
{{- end }}

{{- /* Inference servers by kind: what the worker takes them for, the flag for several devices, and what makes them listen. */ -}}
{{- define "leat.serverKinds" -}}
vllm: {upstream: vllm, parallel: --tensor-parallel-size, listen: [--host, 0.0.0.0, --port]}
sglang: {upstream: sglang, parallel: --tp, listen: [--host, 0.0.0.0, --port]}
tgi: {upstream: tgi, parallel: --num-shard, listen: [--hostname, 0.0.0.0, --port]}
other: {upstream: auto, parallel: "", listen: []}
{{- end }}
