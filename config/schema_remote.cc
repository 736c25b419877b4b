// Keys of alerting, remote endpoints, otlp, tracing and rule groups.
#include "config/schema.h"

#include <algorithm>

namespace troupe::config {
namespace {

void describe_managed_identity(fields& f, azuread_config::managed_identity_config& c) {
  f.text("client_id", c.client_id, shown::yes);
}

void describe_workload_identity(fields& f, azuread_workload_identity_config& c) {
  f.text("client_id", c.client_id, shown::yes);
  f.text("tenant_id", c.tenant_id, shown::yes);
  f.text("token_file_path", c.token_file_path, shown::yes);
}

void describe_azure_oauth(fields& f, azuread_config::oauth_config& c) {
  f.text("client_id", c.client_id, shown::yes);
  f.secret_text("client_secret", c.client_secret);
  f.text("tenant_id", c.tenant_id, shown::yes);
}

void describe_azure_sdk(fields& f, azuread_config::sdk_config& c) {
  f.text("tenant_id", c.tenant_id, shown::yes);
}

void describe_google_iam(fields& f, google_iam_config& c) {
  f.path("credentials_file", c.credentials_file);
}

void describe_queue(fields& f, queue_config& c) {
  f.integer("capacity", c.capacity);
  f.integer("max_shards", c.max_shards);
  f.integer("min_shards", c.min_shards);
  f.integer("max_samples_per_send", c.max_samples_per_send);
  f.duration("batch_send_deadline", c.batch_send_deadline_ms);
  f.duration("min_backoff", c.min_backoff_ms);
  f.duration("max_backoff", c.max_backoff_ms);
  f.flag("retry_on_http_429", c.retry_on_http_429);
  f.duration("sample_age_limit", c.sample_age_limit_ms);
}

void describe_metadata(fields& f, metadata_config& c) {
  f.flag("send", c.send, when::always);
  f.duration("send_interval", c.send_interval_ms, when::always);
  f.integer("max_samples_per_send", c.max_samples_per_send);
}

}  // namespace

void describe(fields& f, sigv4_config& c) {
  f.text("region", c.region, shown::yes);
  f.text("access_key", c.access_key, shown::yes);
  f.secret_text("secret_key", c.secret_key);
  f.text("profile", c.profile, shown::yes);
  f.text("role_arn", c.role_arn, shown::yes);
  f.text("external_id", c.external_id);
  f.flag("use_fips_sts_endpoint", c.use_fips_sts_endpoint);
  f.text("service_name", c.service_name, shown::yes);
}

void describe(fields& f, alertmanager_config& c) {
  describe(f, c.client);
  f.object("sigv4", c.sigv4, describe);
  f.text("scheme", c.scheme, shown::yes);
  f.text("path_prefix", c.path_prefix, shown::yes);
  f.duration("timeout", c.timeout_ms);
  f.text("api_version", c.api_version, shown::yes, when::always);
  f.list("relabel_configs", c.relabel_configs, describe);
  f.list("alert_relabel_configs", c.alert_relabel_configs, describe);
  describe(f, c.discovery);
}

void describe(fields& f, alerting_config& c) {
  f.list("alert_relabel_configs", c.alert_relabel_configs, describe);
  f.list("alertmanagers", c.alertmanagers, describe);
}

void describe(fields& f, azuread_config& c) {
  f.object("managed_identity", c.managed_identity, describe_managed_identity);
  f.object("workload_identity", c.workload_identity, describe_workload_identity);
  f.object("oauth", c.oauth, describe_azure_oauth);
  f.object("sdk", c.sdk, describe_azure_sdk);
  f.text("cloud", c.cloud, shown::yes);
  f.text("scope", c.scope, shown::yes);
}

void describe(fields& f, remote_write_config& c) {
  f.url("url", c.url);
  f.duration("remote_timeout", c.remote_timeout_ms);
  f.text_map("headers", c.headers);
  f.list("write_relabel_configs", c.write_relabel_configs, describe);
  f.text("name", c.name, shown::yes);
  f.flag("send_exemplars", c.send_exemplars);
  f.flag("send_native_histograms", c.send_native_histograms);
  f.flag("round_robin_dns", c.round_robin_dns);
  f.text("protobuf_message", c.protobuf_message, shown::yes);
  if (f.reading())
    c.client.enable_http2 = false;
  describe(f, c.client);
  f.object("queue_config", c.queue, describe_queue);
  f.object("metadata_config", c.metadata, describe_metadata);
  f.object("sigv4", c.sigv4, describe);
  f.object("azuread", c.azuread, describe);
  f.object("google_iam", c.google_iam, describe_google_iam);
}

void describe(fields& f, remote_read_config& c) {
  f.url("url", c.url);
  f.duration("remote_timeout", c.remote_timeout_ms);
  f.count("chunked_read_limit", c.chunked_read_limit);
  f.text_map("headers", c.headers);
  f.flag("read_recent", c.read_recent);
  f.text("name", c.name, shown::yes);
  describe(f, c.client);
  f.text_map("required_matchers", c.required_matchers, shown::yes);
  f.flag("filter_external_labels", c.filter_external_labels, when::always);
}

void describe(fields& f, otlp_config& c) {
  f.flag("promote_all_resource_attributes", c.promote_all_resource_attributes);
  f.texts("promote_resource_attributes", c.promote_resource_attributes, shown::yes);
  f.texts("ignore_resource_attributes", c.ignore_resource_attributes, shown::yes);
  f.text("translation_strategy", c.translation_strategy, shown::yes);
  f.flag("keep_identifying_resource_attributes", c.keep_identifying_resource_attributes);
  f.flag("convert_histograms_to_nhcb", c.convert_histograms_to_nhcb);
  f.flag("promote_scope_metadata", c.promote_scope_metadata);
  f.flag("label_name_underscore_sanitization", c.label_name_underscore_sanitization, when::always);
  f.flag("label_name_preserve_multiple_underscores", c.label_name_preserve_multiple_underscores,
         when::always);
}

void describe(fields& f, tracing_config& c) {
  // Nothing is printed while tracing is off.
  if (!f.reading() && c.endpoint.empty())
    return;
  if (f.reading() && !f.has("endpoint"))
    f.invalid("endpoint", "tracing endpoint must be set");
  f.text("client_type", c.client_type, shown::yes);
  f.url("endpoint", c.endpoint);
  f.number("sampling_fraction", c.sampling_fraction);
  f.flag("insecure", c.insecure);
  f.object("tls_config", c.tls, describe);
  f.text_map("headers", c.headers);
  f.text("compression", c.compression, shown::yes);
  f.duration("timeout", c.timeout_ms);
}

void describe(fields& f, rule_config& c) {
  f.text("record", c.record, shown::yes);
  f.text("alert", c.alert, shown::yes);
  f.text("expr", c.expr, shown::yes);
  f.duration("for", c.for_ms);
  f.duration("keep_firing_for", c.keep_firing_for_ms);
  f.text_map("labels", c.labels, shown::yes);
  f.text_map("annotations", c.annotations, shown::yes);
}

void describe(fields& f, rule_group_config& c) {
  f.text("name", c.name, shown::yes);
  f.duration("interval", c.interval_ms);
  int64_t offset = c.query_offset_ms.value_or(0);
  f.duration("query_offset", offset);
  if (f.reading() && f.has("query_offset"))
    c.query_offset_ms = offset;
  int64_t limit = static_cast<int64_t>(c.limit);
  f.integer("limit", limit);
  if (f.reading())
    c.limit = static_cast<uint64_t>(std::max<int64_t>(limit, 0));
  f.text_map("labels", c.labels, shown::yes);
  f.list("rules", c.rules, describe);
}

}  // namespace troupe::config
