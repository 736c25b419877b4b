// otlp (receiver) and tracing (exporter) blocks. Plain data.
#pragma once

#include "config/http_client_config.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe::config {

struct otlp_config {
  bool promote_all_resource_attributes = false;
  std::vector<std::string> promote_resource_attributes;
  std::vector<std::string> ignore_resource_attributes;
  std::string translation_strategy = "UnderscoreEscapingWithSuffixes";
  bool keep_identifying_resource_attributes = false;
  bool convert_histograms_to_nhcb = false;
  bool promote_scope_metadata = false;
  bool label_name_underscore_sanitization = true;
  bool label_name_preserve_multiple_underscores = true;

  bool operator==(const otlp_config&) const = default;
};

struct tracing_config {
  std::string client_type = "grpc";
  std::string endpoint;  ///< "": no tracing
  double sampling_fraction = 0;
  bool insecure = false;
  tls_config tls;
  std::map<std::string, std::string> headers;  ///< values may be secret
  std::string compression;
  int64_t timeout_ms = 0;

  bool operator==(const tracing_config&) const = default;
};

}  // namespace troupe::config
