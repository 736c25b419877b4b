// The pinned list of what is parsed and checked without acting yet, and where a configuration uses
// it. A test holds the list; nothing else may be silent.
#pragma once

#include "config/config.h"
#include "config/yaml.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

/// Names of keys and mechanisms of the configuration and web configuration files, sorted. A flag
/// that is only switched off, or a limit of 0, is no use.
std::span<const std::string_view> inert_keys();

/// Appends every use in a document: a main file, or one of scrape_config_files.
void find_inert(const yaml_node& root, const std::string& file, std::vector<inert_use>& out);

/// One line per name in use, to be logged once: "remote_write is read but has no effect yet
/// (prometheus.yml:7:1)".
std::vector<std::string> inert_warnings(const config& c);

}  // namespace troupe::config
