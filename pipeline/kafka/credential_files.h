// Files that clusters' credentials are in: passwords, authorities, certificates, keys. librdkafka
// reads them when a client is made; this tells when one must be made anew. One owner.
#pragma once

#include "config/kafka_config.h"
#include "storage/base/file_system.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace troupe::kafka {

class credential_files {
 public:
  /// `files` outlives it.
  explicit credential_files(file_system& files) : files_(files) {}

  /// Names of the clusters whose files hold other bytes than at the last take(). One that cannot be
  /// read counts as it was. From now on these are in use, and no others.
  std::set<std::string> take(const std::vector<config::kafka_config>& clusters);
  /// Looks every 5 s; whether take() would name one, which is logged.
  bool look(const std::vector<config::kafka_config>& clusters, int64_t now_ns);

 private:
  using contents = std::map<std::string, uint64_t>;  ///< by path, a hash
  contents read(const config::kafka_config& cluster) const;
  std::set<std::string> changed(const std::vector<config::kafka_config>& clusters) const;

  file_system& files_;
  std::map<std::string, contents> known_;  ///< by cluster
  int64_t next_look_ns_ = 0;
};

}  // namespace troupe::kafka
