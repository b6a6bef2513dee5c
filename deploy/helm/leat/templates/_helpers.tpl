{{- define "leat.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride }}
{{- else if contains "leat" .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-leat" .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "leat.serviceAccount" -}}
{{- if .Values.serviceAccount.name -}}
{{ .Values.serviceAccount.name }}
{{- else if .Values.serviceAccount.create -}}
{{ include "leat.fullname" . }}
{{- else -}}
default
{{- end -}}
{{- end }}

{{- define "leat.natsSecret" -}}
{{- .Values.nats.existingSecret.name | default (printf "%s-nats" (include "leat.fullname" .)) -}}
{{- end }}

{{- /* The key of the credentials file in that secret, or nothing. */ -}}
{{- define "leat.natsCredsKey" -}}
{{- if and .Values.nats.users (or .Values.nats.creds .Values.nats.existingSecret.credsKey) }}{{ fail "nats: users and a credentials file are two identities; leave one out" }}{{ end -}}
{{- if .Values.nats.existingSecret.name -}}
{{ .Values.nats.existingSecret.credsKey }}
{{- else if .Values.nats.creds -}}
creds
{{- end -}}
{{- end }}

{{- define "leat.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{ printf "%s:%s" .Values.image.repository $tag }}
{{- end }}

{{- /* What selects a component's pods. Takes root, component and, for workers, pool. */ -}}
{{- define "leat.selector" -}}
app.kubernetes.io/name: leat
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .pool }}
leat/pool: {{ . }}
{{- end }}
{{- end }}

{{- define "leat.labels" -}}
helm.sh/chart: {{ printf "leat-%s" .root.Chart.Version }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: leat
{{ include "leat.selector" . }}
{{- end }}

{{- /* Name of a component's objects: the release's and "gateway", "router" or "worker-POOL". */ -}}
{{- define "leat.name" -}}
{{ include "leat.fullname" .root }}-{{ .component }}{{ with .pool }}-{{ . }}{{ end }}
{{- end }}

{{- /*
The longest stop that a process may make, from pkg/host/stop.go: not ready, calls in flight, services, and 15 s to cut and close.
Never below the 120 s that operators expect of a pod with streams.
*/ -}}
{{- define "leat.grace" -}}
{{- $stop := .Values.stop -}}
{{ max 120 (add $stop.readyDelaySeconds (mul 2 $stop.drainSeconds) 15) }}
{{- end }}

{{- /* All components as a list of {component, pool, v}: v has a component's own values, a pool's over workerDefaults. */ -}}
{{- define "leat.components" -}}
{{- $out := list (dict "component" "gateway" "pool" "" "v" .Values.gateway) (dict "component" "router" "pool" "" "v" .Values.router) -}}
{{- if .Values.data.enabled -}}
{{- if not .Values.data.store }}{{ fail "data.store: where do data runs keep what they make? s3://BUCKET, gs://BUCKET, azblob://CONTAINER, or file:///PATH on a volume that all pods have (data.volumes)" }}{{ end -}}
{{- range list "ingestor" "validator" -}}
{{- $out = append $out (dict "component" . "pool" "" "v" (index $.Values.data .)) -}}
{{- end -}}
{{- end -}}
{{- $seen := dict -}}
{{- range .Values.workers -}}
{{- if hasKey $seen .name }}{{ fail (printf "workers: two pools are called %s" .name) }}{{ end -}}
{{- $_ := set $seen .name true -}}
{{- $v := mergeOverwrite (deepCopy $.Values.workerDefaults) (deepCopy .) -}}
{{- include "leat.checkPool" $v -}}
{{- $out = append $out (dict "component" "worker" "pool" .name "v" $v) -}}
{{- end -}}
{{- dict "list" $out | toJson -}}
{{- end }}

{{- /* What values.schema.json cannot say, since a pool's values are two sets merged. */ -}}
{{- define "leat.checkPool" -}}
{{- $tp := int .tensorParallel -}}
{{- if and (gt $tp 1) (not .server) }}{{ fail (printf "workers: pool %s: tensorParallel %d needs a server that can: leat's engine %s computes on one device" .name $tp .engine) }}{{ end -}}
{{- if and (gt $tp 1) (eq (dig "kind" "other" (.server | default dict)) "other") }}{{ fail (printf "workers: pool %s: with server.kind other, give the flag for %d devices in server.args and leave tensorParallel at 1" .name $tp) }}{{ end -}}
{{- if and (gt $tp 1) (ne $tp (int .gpu.count)) }}{{ fail (printf "workers: pool %s: tensorParallel %d, but gpu.count is %d" .name $tp (int .gpu.count)) }}{{ end -}}
{{- if and .autoscaling.enabled (gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas)) }}{{ fail (printf "workers: pool %s: autoscaling.minReplicas is above maxReplicas" .name) }}{{ end -}}
{{- if and .autoscaling.enabled (eq (int .autoscaling.minReplicas) 0) }}
{{- if not .autoscaling.keda.enabled }}{{ fail (printf "workers: pool %s: autoscaling.minReplicas 0 needs keda.enabled: an HPA keeps one" .name) }}{{ end -}}
{{- if eq .name "default" }}{{ fail "workers: pool default: autoscaling.minReplicas 0 needs a name of its own: the settings of pools.default hold for all others, too" }}{{ end -}}
{{- end -}}
{{- if and .cache.existingClaim (eq .kind "StatefulSet") }}{{ fail (printf "workers: pool %s: a StatefulSet has a claim of its own per pod; leave cache.existingClaim empty" .name) }}{{ end -}}
{{- end }}
