{{- define "qlara-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "qlara-exporter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $unique := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $unique .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "qlara-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "qlara-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "qlara-exporter.labels" -}}
{{ include "qlara-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The text of a file: (list root name). files/ holds symbolic links to the files that Kustomize uses as well. */}}
{{- define "qlara-exporter.file" -}}
{{- $name := printf "files/%s" (index . 1) }}
{{- $missing := printf "%s is missing: package the chart from a checkout with symbolic links" $name }}
{{- (index . 0).Files.Get $name | required $missing }}
{{- end }}

{{/*
An object: name, namespace and labels of the release, and then an overlay, merged over the object of a file. Lists are
replaced, not merged. Parameters: root, base (object), overlay (text), namespace.
*/}}
{{- define "qlara-exporter.object" -}}
{{- $overlay := fromYaml .overlay }}
{{- with $overlay.Error }}{{ fail . }}{{ end }}
{{- $metadata := dict
  "name" (include "qlara-exporter.fullname" .root)
  "namespace" (default .root.Release.Namespace .namespace)
  "labels" (include "qlara-exporter.labels" .root | fromYaml) }}
{{- mergeOverwrite .base (dict "metadata" $metadata) $overlay | toYaml }}
{{- end }}

{{/* The configuration file: the one of the base, or another one with `accounts` and `config`. */}}
{{- define "qlara-exporter.configuration" -}}
{{- $file := include "qlara-exporter.file" (list . "exporter/qlara.yml") | fromYaml }}
{{- $accounts := list }}
{{- range .Values.accounts }}
{{- $account := omit . "existingSecret" }}
{{- with .existingSecret }}
{{- $path := printf "/run/secrets/qlara/%s/%s" .name .key }}
{{- if hasKey $account "basic_auth" }}
{{- $account = merge (dict "basic_auth" (dict "password_file" $path)) $account }}
{{- else }}
{{- $account = set $account "api_key_file" $path }}
{{- end }}
{{- end }}
{{- $accounts = append $accounts $account }}
{{- end }}
{{- with $accounts }}{{ $file = dict "accounts" . }}{{ end }}
{{- mergeOverwrite $file .Values.config | toYaml }}
{{- end }}

{{/* The Secrets in `accounts` as JSON: from their names to the entries. */}}
{{- define "qlara-exporter.secrets" -}}
{{- $secrets := dict }}
{{- range .Values.accounts }}
{{- with .existingSecret }}
{{- $_ := set $secrets .name (append (get $secrets .name | default list) .key | uniq) }}
{{- end }}
{{- end }}
{{- toJson $secrets }}
{{- end }}

{{- define "qlara-exporter.image" -}}
{{- with .Values.image }}
{{- $image := printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- with .digest }}{{ $image = printf "%s@%s" $image . }}{{ end }}
{{- $image }}
{{- end }}
{{- end }}

{{/* Empty for the namespace's default. */}}
{{- define "qlara-exporter.serviceAccountName" -}}
{{- $own := ternary (include "qlara-exporter.fullname" .) "" .Values.serviceAccount.create }}
{{- default $own .Values.serviceAccount.name }}
{{- end }}

{{/* Labels and annotations that the values give to one object. */}}
{{- define "qlara-exporter.metadata" -}}
labels: {{ toJson .labels }}
{{- with .annotations }}
annotations: {{ toJson . }}
{{- end }}
{{- end }}
