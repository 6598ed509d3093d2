{{- define "ringbridge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "ringbridge.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "ringbridge.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "ringbridge.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "ringbridge.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ringbridge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ringbridge.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "ringbridge.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "ringbridge.image" -}}
{{- $registry := "" -}}
{{- if .Values.image.registry -}}
{{- $registry = printf "%s/" .Values.image.registry -}}
{{- end -}}
{{- if .Values.image.digest -}}
{{- printf "%s%s@%s" $registry .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s%s:%s" $registry .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "ringbridge.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ringbridge.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "ringbridge.domain" -}}
{{- if .Values.sip.domains -}}
{{- index .Values.sip.domains 0 -}}
{{- else -}}
{{- .Values.overlay.name -}}
{{- end -}}
{{- end -}}

{{- define "ringbridge.secretsName" -}}
{{- printf "%s-secrets" (include "ringbridge.fullname" .) -}}
{{- end -}}

{{/* One way to get certificates, no more and no less. */}}
{{- define "ringbridge.identity" -}}
{{- $ways := 0 -}}
{{- if .Values.identity.existingSecret -}}{{- $ways = add $ways 1 -}}{{- end -}}
{{- if .Values.identity.enrollmentUrl -}}{{- $ways = add $ways 1 -}}{{- end -}}
{{- if .Values.identity.selfSigned.enabled -}}{{- $ways = add $ways 1 -}}{{- end -}}
{{- if ne (int $ways) 1 -}}
{{- fail "identity: set one of existingSecret (an authority folder), enrollmentUrl, selfSigned.enabled" -}}
{{- end -}}
{{- if .Values.identity.existingSecret -}}authority{{- else if .Values.identity.enrollmentUrl -}}enroll{{- else -}}self-signed{{- end -}}
{{- end -}}

{{/* The configuration file of one pod; takes a dict of root and pod. */}}
{{- define "ringbridge.config" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $identity := include "ringbridge.identity" $root -}}
overlay:
  name: {{ required "overlay.name is required: the domain of the users" $values.overlay.name }}
  listen: ["tls://0.0.0.0:{{ $values.overlay.port }}"]
  bootstrap:
  {{- if $values.overlay.bootstrap }}
    {{- toYaml $values.overlay.bootstrap | nindent 4 }}
  {{- else }}
    - {{ include "ringbridge.fullname" $root }}-peers.{{ $root.Release.Namespace }}.svc.{{ $values.clusterDomain }}:{{ $values.overlay.port }}
  {{- end }}
  userName: {{ .pod }}@{{ $values.overlay.name }}
  {{- if eq $identity "authority" }}
  authority: /srv/ringbridge/data/authority
  {{- else if eq $identity "enroll" }}
  configuration: {{ $values.identity.enrollmentUrl }}
  account: {{ required "identity.account is required with enrollmentUrl" $values.identity.account }}
  {{- if $values.identity.caConfigMap }}
  ca: /srv/ringbridge/public/root-ca.pem
  {{- end }}
  {{- else }}
  configuration: /srv/ringbridge/public/configuration.xml
  credentials: self-signed
  {{- end }}
sip:
  roles: {{ toJson $values.sip.roles }}
  {{- if $values.sip.domains }}
  domains: {{ toJson $values.sip.domains }}
  {{- end }}
  {{- if $values.sip.roles }}
  listen:
    {{- if $values.sip.udp.enabled }}
    - udp://0.0.0.0:{{ $values.sip.udp.port }}
    {{- end }}
    {{- if $values.sip.tcp.enabled }}
    - tcp://0.0.0.0:{{ $values.sip.tcp.port }}
    {{- end }}
    {{- if $values.sip.tls.enabled }}
    - tls://0.0.0.0:{{ $values.sip.tls.port }}
    {{- end }}
  {{- with index $values.advertisedAddress.map .pod }}
  advertise: {{ . | quote }}
  {{- end }}
  {{- if $values.users.existingSecret }}
  users: /srv/ringbridge/users/users.jsonl
  {{- end }}
  enrollOnFirstRegister: true
  {{- else }}
  listen: []
  {{- end }}
admin:
  listen: 0.0.0.0:{{ $values.admin.port }}
data:
  dir: /srv/ringbridge/data
log:
  format: json
{{- end -}}
