// Tells whether a configuration changed on disk, for --enable-feature=auto-reload-config.
#pragma once

#include "storage/base/file_system.h"
#include "storage/base/result.h"

#include <cstdint>
#include <string>

namespace troupe::config {

/// Changes when the file, or a file that its rule_files or scrape_config_files match, changes,
/// comes or goes (names and contents count). An error if one of them cannot be read or the main
/// file is no YAML. As Prometheus' GenerateChecksum, by another hash: only good for comparing
/// within one process.
result<uint64_t> config_checksum(file_system& fs, const std::string& path);

}  // namespace troupe::config
