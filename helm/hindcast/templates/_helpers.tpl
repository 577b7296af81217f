{{- define "hindcast.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "hindcast.fullname" -}}
{{- $name := include "hindcast.name" . }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 44 | trimSuffix "-" }}
{{- end }}

{{/* What selects pods: never changes between chart versions. Takes a dict of root and component. */}}
{{- define "hindcast.selectorLabels" -}}
app.kubernetes.io/name: {{ include "hindcast.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "hindcast.labels" -}}
{{ include "hindcast.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "hindcast.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "hindcast.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "hindcast.image" -}}
{{- $registry := default .Values.image.registry .Values.global.imageRegistry }}
{{- $name := ternary (printf "%s/%s" $registry .Values.image.repository) .Values.image.repository (ne $registry "") }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $name .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "hindcast.pullSecrets" -}}
{{- with concat .Values.global.imagePullSecrets .Values.image.pullSecrets | uniq }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* hindcast.yaml, with what the chart sets itself. */}}
{{- define "hindcast.config" -}}
{{- $state := dict "directory" "/var/lib/hindcast" }}
{{- $web := dict "host" "0.0.0.0" "port" (int .Values.port) }}
{{- $own := dict "state" $state "web" $web }}
{{- if .Values.smokeTest.enabled }}
{{- $_ := set $own "smoke_test" true }}
{{- end }}
{{- toYaml (mergeOverwrite (deepCopy .Values.config) $own) }}
{{- end }}

{{- define "hindcast.topicPrefix" -}}
{{- default "hindcast-" .Values.config.kafka.topic_prefix }}
{{- end }}

{{- define "hindcast.partitions" -}}
{{- default 8 .Values.config.kafka.partitions }}
{{- end }}

{{- define "hindcast.brokers" -}}
{{- $servers := required "config.kafka.bootstrap_servers is needed: host:port,host:port" .Values.config.kafka.bootstrap_servers }}
{{- if kindIs "slice" $servers }}{{ join "," $servers }}{{ else }}{{ $servers }}{{ end }}
{{- end }}

{{/* What every pod of ours has: who it is and what it may do. */}}
{{- define "hindcast.podSpec" -}}
serviceAccountName: {{ include "hindcast.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- include "hindcast.pullSecrets" . }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "hindcast.volumes" -}}
- name: config
  configMap:
    name: {{ include "hindcast.fullname" . }}
- name: tmp
  emptyDir: {}
{{- if .Values.existingSecret }}
- name: secrets
  secret:
    secretName: {{ .Values.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Of a container: image, rights, environment. */}}
{{- define "hindcast.container" -}}
image: {{ include "hindcast.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.containerSecurityContext | nindent 2 }}
env:
  - name: HINDCAST_CONFIG
    value: /etc/hindcast/hindcast.yaml
{{- with .Values.extraEnv }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- if or .Values.existingSecret .Values.extraEnvFrom }}
envFrom:
{{- if .Values.existingSecret }}
  - secretRef:
      name: {{ .Values.existingSecret }}
{{- end }}
{{- with .Values.extraEnvFrom }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "hindcast.mounts" -}}
- name: config
  mountPath: /etc/hindcast
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- if .Values.existingSecret }}
- name: secrets
  mountPath: /secrets
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}
