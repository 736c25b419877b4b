#include "pipeline/otlp/settings.h"

#include "config/telemetry_config.h"

namespace troupe::otlp {

settings settings_of(const config::otlp_config& c) {
  settings s;
  const auto& strategy = c.translation_strategy;
  s.names.escape = strategy.empty() || strategy.starts_with("UnderscoreEscaping");
  s.names.suffixes = strategy.empty() || strategy.ends_with("WithSuffixes");
  s.names.sanitize_underscores = c.label_name_underscore_sanitization;
  s.names.keep_underscores = c.label_name_preserve_multiple_underscores;
  s.promote_all = c.promote_all_resource_attributes;
  const auto& named = s.promote_all ? c.ignore_resource_attributes : c.promote_resource_attributes;
  s.resource_attributes = {named.begin(), named.end()};
  s.keep_identifying = c.keep_identifying_resource_attributes;
  s.custom_buckets = c.convert_histograms_to_nhcb;
  s.promote_scope = c.promote_scope_metadata;
  return s;
}

}  // namespace troupe::otlp
