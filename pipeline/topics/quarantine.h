// Records of topics that nobody can read, kept for people: in a folder of the node, with the reason
// beside each, bounded. One owner.
#pragma once

#include "pipeline/kafka/cluster.h"
#include "storage/base/file_system.h"
#include "storage/base/stats.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::topics {

class record_quarantine {
 public:
  static constexpr uint64_t most_records = 1000;
  static constexpr uint64_t most_bytes = 256ull << 20;

  record_quarantine(file_system& files, registry& metrics, std::string folder);

  /// Keeps the record if there is room for it. Failures are logged and counted.
  void keep(std::string_view consumption, const kafka::fetched_record& r, std::string_view why,
            int64_t now_ms);

 private:
  status open(int64_t now_ms);
  status write(const std::string& path, const kafka::fetched_record& r, std::string_view why,
               int64_t now_ms);

  file_system& files_;
  const std::string folder_;
  counter &kept_, &not_kept_;
  bool opened_ = false;
  bool full_told_ = false;
  uint64_t records_ = 0, bytes_ = 0;
};

}  // namespace troupe::topics
