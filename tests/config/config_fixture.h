// What the configuration tests share: loading a text from memory, errors as text.
#pragma once

#include "config/load.h"
#include "tests/support/sim_file_system.h"

#include <string>
#include <string_view>

namespace troupe::config {

inline load_options no_environment() {
  load_options o;
  o.environment = [](const std::string&) { return std::string(); };
  return o;
}

/// Loads `text` as /etc/c.yml without any other file.
inline loaded_config load_text(std::string_view text) {
  support::sim_file_system fs(1);
  return parse_config(text, "c.yml", fs, no_environment());
}

/// All errors, one a line.
inline std::string errors_of(std::string_view text) {
  return join(load_text(text).errors);
}

}  // namespace troupe::config
