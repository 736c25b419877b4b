// Checks between the fields of a configuration, the same that Prometheus makes. Findings carry a
// field path and a message; file and position are filled in by whoever has the document. Pure
// functions.
#pragma once

#include "config/config.h"
#include "config/diagnostics.h"

#include <string>

namespace troupe::config {

void validate(const relabel_config& c, const std::string& path, bool utf8, diagnostics& out);
void validate(const http_client_config& c, const std::string& path, diagnostics& out);
void validate(const tls_config& c, const std::string& path, diagnostics& out);
/// `urls_allowed`: targets may hold a '/' because relabelling can mend them.
void validate(const service_discovery& c, const std::string& path, bool urls_allowed,
              diagnostics& out);
void validate(const global_config& c, const std::string& path, diagnostics& out);
void validate(const scrape_config& c, const std::string& path, diagnostics& out);
void validate(const alerting_config& c, const std::string& path, bool utf8, diagnostics& out);
void validate(const remote_write_config& c, const std::string& path, bool utf8, diagnostics& out);
void validate(const remote_read_config& c, const std::string& path, diagnostics& out);
void validate(const otlp_config& c, const std::string& path, bool utf8, diagnostics& out);
void validate(const tracing_config& c, const std::string& path, diagnostics& out);
void validate(const federation_config& c, const std::string& path, diagnostics& out);
void validate(const aggregation_config& c, const std::string& path, diagnostics& out);
void validate(const series_budget_config& c, const std::string& path, diagnostics& out);
void validate(const kafka_config& c, const std::string& path, diagnostics& out);
void validate(const publish_config& c, const std::string& path, diagnostics& out);
void validate(const consume_config& c, const std::string& path, diagnostics& out);
void validate(const own_region_config& c, const std::string& path, diagnostics& out);
void validate(const region_config& c, const std::string& path, diagnostics& out);
void validate(const global_view_config& c, const std::string& path, diagnostics& out);
/// Of headers that are sent along with every request to another server.
void check_remote_headers(const std::map<std::string, std::string>& headers,
                          const std::string& path, diagnostics& out);
void validate(const own_config& c, diagnostics& out);
/// The main file's blocks, jobs of scrape_config_files not included. All errors, not only the
/// first.
void validate(const config& c, diagnostics& out);

}  // namespace troupe::config
