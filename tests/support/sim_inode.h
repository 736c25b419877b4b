// Inside sim_file_system only: what a file is, and how paths are cut.
#pragma once

#include "tests/support/sim_file_system.h"

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::support {

/// "a/b" of "a/b/c", "." of "c".
inline std::string sim_parent(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash == std::string::npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// Without doubled and trailing slashes.
std::string sim_normal(std::string_view path);

struct sim_file_system::inode {
  bool directory = false;
  std::shared_ptr<std::string> data = std::make_shared<std::string>();
  uint64_t synced = 0;                                // this prefix of what was appended is durable
  uint64_t ahead = 0;                                 // of data: zeros behind what was appended
  uint64_t charged = 0;                               // what it occupies
  std::vector<uint64_t> write_ends;                   // of the appends behind `synced`
  std::vector<std::pair<uint64_t, uint64_t>> doomed;  // ranges that a failed sync gave up
  bool cut = false;      // a truncation below `synced` is not durable yet: the disk still has
  std::string cut_tail;  // these bytes from cut_at on
  uint64_t cut_at = 0;

  std::shared_ptr<std::atomic<bool>> mappings_failed;  // of those that are open

  uint64_t size() const { return data->size(); }
  uint64_t end() const { return data->size() - ahead; }
  std::string& mutable_data() {
    if (data.use_count() > 1)
      data = std::make_shared<std::string>(*data);  // a mapping keeps the old bytes
    return *data;
  }
};

}  // namespace troupe::support
