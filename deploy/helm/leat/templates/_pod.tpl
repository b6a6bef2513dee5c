{{- /* The pod of a component. Takes root, component, pool, v. */ -}}
{{- define "leat.pod" -}}
{{- $root := .root -}}
{{- $worker := eq .component "worker" -}}
{{- $data := has .component (list "ingestor" "validator") -}}
{{- $creds := include "leat.natsCredsKey" $root -}}
metadata:
  annotations:
    checksum/config: {{ include "leat.config" . | sha256sum }}
    {{- with .v.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- include "leat.labels" . | nindent 4 }}
    {{- with .v.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "leat.serviceAccount" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "leat.grace" $root }}
  securityContext:
    {{- toYaml $root.Values.podSecurityContext | nindent 4 }}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- if and $worker .v.server }}
  initContainers:
    {{- include "leat.server" . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ .v.image | default (include "leat.image" $root) }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: [{{ .component }}, --config, /etc/leat/leat.yaml]
      env:
        - name: LEAT_NATS
          valueFrom:
            secretKeyRef:
              name: {{ include "leat.natsSecret" $root }}
              key: {{ if $root.Values.nats.existingSecret.name }}{{ $root.Values.nats.existingSecret.urlKey }}{{ else }}url{{ end }}
        {{- with $root.Values.nats.users }}
        - {name: LEAT_NATS_USER, value: {{ $.component }}}
        - name: LEAT_NATS_PASSWORD
          valueFrom:
            secretKeyRef:
              name: {{ . }}
              key: {{ $.component }}
        {{- end }}
        {{- if $worker }}
        - {name: LEAT_CACHE, value: /var/cache/leat}
        {{- with .v.apiKey }}
        - name: UPSTREAM_API_KEY
          valueFrom:
            secretKeyRef:
              name: {{ .secret }}
              key: {{ .key }}
        {{- end }}
        {{- end }}
        {{- with .v.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - {name: http, containerPort: 8080}
        - {name: grpc, containerPort: 8081}
      startupProbe:
        httpGet: {path: /health, port: http}
        periodSeconds: 2
        failureThreshold: {{ $worker | ternary (div (int (.v.startupSeconds | default 60)) 2) 30 }}
      livenessProbe:
        httpGet: {path: /health, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /ready, port: http}
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 2
      resources:
        {{- if and $worker (not .v.server) }}
        {{- include "leat.withGPU" (dict "resources" .v.resources "gpu" .v.gpu) | nindent 8 }}
        {{- else }}
        {{- toYaml .v.resources | nindent 8 }}
        {{- end }}
      securityContext:
        {{- toYaml $root.Values.securityContext | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/leat/leat.yaml, subPath: leat.yaml, readOnly: true}
        - {name: tmp, mountPath: /tmp}
        {{- if $creds }}
        - {name: nats, mountPath: /etc/leat/nats, readOnly: true}
        {{- end }}
        {{- if $worker }}
        - {name: cache, mountPath: /var/cache/leat}
        {{- with .v.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- end }}
        {{- if $data }}
        {{- with $root.Values.data.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "leat.name" . }}}
    - name: tmp
      emptyDir: {sizeLimit: {{ $data | ternary $root.Values.data.scratch "1Gi" }}}
    {{- if $data }}
    {{- with $root.Values.data.volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- end }}
    {{- if $creds }}
    - name: nats
      secret:
        secretName: {{ include "leat.natsSecret" $root }}
        defaultMode: 0440
        items: [{key: {{ $creds }}, path: nats.creds}]
    {{- end }}
    {{- if $worker }}
    {{- include "leat.workerVolumes" . | trim | nindent 4 }}
    {{- end }}
  {{- include "leat.placement" . | nindent 2 }}
{{- end }}

{{- define "leat.withGPU" -}}
{{- $r := deepCopy .resources -}}
{{- if gt (int .gpu.count) 0 -}}
{{- $_ := set $r "limits" (mergeOverwrite (dict .gpu.resource (int .gpu.count)) ($r.limits | default dict)) -}}
{{- end -}}
{{ toYaml $r }}
{{- end }}

{{- /* A native sidecar: up before the worker starts, stopped only after the worker has drained. */ -}}
{{- define "leat.server" -}}
{{- $s := .v.server -}}
{{- $kind := index (include "leat.serverKinds" . | fromYaml) $s.kind -}}
{{- $port := int ($s.port | default 8000) -}}
{{- $args := $s.args | default list -}}
{{- with $kind.listen }}{{ $args = concat $args . (list (toString $port)) }}{{ end -}}
{{- if gt (int .v.tensorParallel) 1 }}{{ $args = concat $args (list $kind.parallel (toString (int .v.tensorParallel))) }}{{ end -}}
- name: server
  image: {{ $s.image }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  restartPolicy: Always
  {{- with $s.command }}
  command:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $args }}
  args:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  env:
    - {name: HOME, value: /var/cache/leat}
    - {name: USER, value: leat}
    {{- with $s.env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - {name: server, containerPort: {{ $port }}}
  startupProbe:
    httpGet: {path: {{ $s.healthPath | default "/health" }}, port: server}
    periodSeconds: 5
    failureThreshold: {{ div (int .v.startupSeconds) 5 }}
  livenessProbe:
    httpGet: {path: {{ $s.healthPath | default "/health" }}, port: server}
    periodSeconds: 10
    timeoutSeconds: 10
    failureThreshold: 6
  resources:
    {{- include "leat.withGPU" (dict "resources" ($s.resources | default dict) "gpu" .v.gpu) | nindent 4 }}
  securityContext:
    {{- toYaml ($s.securityContext | default .root.Values.securityContext) | nindent 4 }}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    - {name: cache, mountPath: /var/cache/leat}
    - {name: shm, mountPath: /dev/shm}
    {{- with .v.volumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- /* The claims of a StatefulSet come with its own template. */ -}}
{{- define "leat.workerVolumes" -}}
{{- if ne .v.kind "StatefulSet" }}
- name: cache
  {{- if .v.cache.existingClaim }}
  persistentVolumeClaim: {claimName: {{ .v.cache.existingClaim }}}
  {{- else }}
  emptyDir: {sizeLimit: {{ .v.cache.size }}}
  {{- end }}
{{- end }}
{{- with .v.server }}
- name: shm
  emptyDir: {medium: Memory, sizeLimit: {{ .sharedMemory | default "2Gi" }}}
{{- end }}
{{- with .v.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Where a pod goes: its own words, and for workers those of their machines' capacity. */ -}}
{{- define "leat.placement" -}}
{{- $selector := .v.nodeSelector | default dict -}}
{{- $tolerations := .v.tolerations | default list -}}
{{- if has (.v.capacity | default "any") (list "spot" "onDemand") -}}
{{- $on := index .root.Values.nodePools .v.capacity -}}
{{- $selector = mergeOverwrite (deepCopy $on.nodeSelector) $selector -}}
{{- $tolerations = concat $on.tolerations $tolerations -}}
{{- end -}}
{{- $spread := .v.topologySpreadConstraints | default list -}}
{{- if not $spread -}}
{{- $spread = list (dict "maxSkew" 1 "topologyKey" "kubernetes.io/hostname" "whenUnsatisfiable" "ScheduleAnyway" "labelSelector" (dict "matchLabels" (include "leat.selector" . | fromYaml))) -}}
{{- end -}}
topologySpreadConstraints:
  {{- toYaml $spread | nindent 2 }}
{{- with $selector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .v.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- end }}
