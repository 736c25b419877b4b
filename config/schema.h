// The keys of every block of the configuration, once for reading and printing (see fields.h).
// Descriptions name keys and types only; what must hold between them is checked by validate.h.
#pragma once

#include "config/config.h"
#include "config/fields.h"
#include "config/web_config.h"

#include <span>
#include <string_view>

namespace troupe::config {

/// A job as written: what is left open follows global (see resolve.h).
struct job_draft {
  scrape_config job;
  std::optional<name_validation> validation;
  std::optional<name_escaping> escaping;
};

std::span<const std::string_view> relabel_action_names();
std::span<const std::string_view> scrape_protocol_names();

void describe(fields& f, relabel_config& c);
void describe(fields& f, tls_config& c);
void describe(fields& f, header_values& c);
void describe(fields& f, proxy_config& c);
void describe(fields& f, oauth2_config& c);
void describe(fields& f, http_client_config& c);
void describe(fields& f, target_group& c);
void describe(fields& f, file_sd_config& c);
void describe(fields& f, http_sd_config& c);
void describe(fields& f, service_discovery& c);
void describe(fields& f, global_config& c);
void describe(fields& f, runtime_config& c);
void describe(fields& f, storage_config& c);
void describe(fields& f, job_draft& c);
void describe(fields& f, sigv4_config& c);
void describe(fields& f, alertmanager_config& c);
void describe(fields& f, alerting_config& c);
void describe(fields& f, azuread_config& c);
void describe(fields& f, remote_write_config& c);
void describe(fields& f, remote_read_config& c);
void describe(fields& f, otlp_config& c);
void describe(fields& f, tracing_config& c);
void describe(fields& f, rule_config& c);
void describe(fields& f, rule_group_config& c);
void describe(fields& f, web_config& c);
void describe(fields& f, federation_config& c);
void describe(fields& f, aggregation_config& c);
void describe(fields& f, series_budget_config& c);
void describe(fields& f, kafka_config& c);
void describe(fields& f, publish_config& c);
void describe(fields& f, consume_config& c);
void describe(fields& f, own_region_config& c);
void describe(fields& f, region_config& c);
void describe(fields& f, global_view_config& c);
void describe(fields& f, own_config& c);

}  // namespace troupe::config
