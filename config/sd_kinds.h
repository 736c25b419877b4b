// The keys of every service discovery of Prometheus 3 that is parsed without acting. Constant
// tables.
#pragma once

#include <span>
#include <string_view>

namespace troupe::config {

enum class sd_type : unsigned char {
  text,
  hidden,  ///< printed as <secret>
  url,
  path,
  integer,
  number,
  duration,
  flag,
  texts,
  text_map,
  filters,          ///< list of {name, values}
  selectors,        ///< list of {role, label, field}
  namespaces,       ///< {own_namespace, names}
  attach_metadata,  ///< {node, namespace}
  tls,
};

struct sd_key {
  std::string_view name;
  sd_type type = sd_type::text;
  std::string_view initial = {};  ///< the default, as text
  std::string_view choices = {};  ///< "a|b|c": the only values allowed
  bool required = false;
};

struct sd_kind {
  std::string_view name;  ///< "consul", as in consul_sd_configs
  bool http;              ///< has the keys of an HTTP client, too
  std::span<const sd_key> keys;
};

/// Sorted by name.
std::span<const sd_kind> inert_sd_kinds();

}  // namespace troupe::config
