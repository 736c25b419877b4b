#include "config/checksum.h"

#include "config/defaults.h"
#include "config/diagnostics.h"
#include "config/glob.h"
#include "config/text.h"
#include "config/yaml.h"
#include "storage/base/hash.h"

namespace troupe::config {
namespace {

// Name and content of a file on top of what came before.
result<uint64_t> add_file(file_system& fs, const std::string& path, uint64_t before) {
  TROUPE_ASSIGN(const std::string text, read_file(fs, path, defaults::max_file_bytes));
  return xxh3(text, xxh3(path, before));
}

}  // namespace

result<uint64_t> config_checksum(file_system& fs, const std::string& path) {
  TROUPE_ASSIGN(const std::string text, read_file(fs, path, defaults::max_file_bytes));
  yaml_limits limits;
  limits.max_bytes = defaults::max_file_bytes;
  yaml_node root;
  diagnostics errors;
  if (!parse_yaml(text, path, limits, root, errors))
    return to_status(errors);
  uint64_t sum = xxh3(text);
  const auto folder = folder_of(path);
  for (const auto& m : root.members) {
    if (m.key != "rule_files" && m.key != "scrape_config_files")
      continue;
    sum = xxh3(m.key, sum);
    for (const auto& pattern : m.value.items) {
      TROUPE_ASSIGN(const auto files, glob(fs, join_folder(folder, pattern.text)));
      for (const auto& f : files) {
        TROUPE_ASSIGN(sum, add_file(fs, f, sum));
      }
    }
  }
  return sum;
}

}  // namespace troupe::config
