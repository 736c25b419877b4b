// A scrape target, and how one is made of a discovered address: defaults of the job, target
// relabelling, checks, URL. Targets are immutable and shared; any thread.
#pragma once

#include "config/scrape_config.h"
#include "pipeline/relabel/relabel.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::discover {

struct target {
  labels public_labels;  ///< what every scraped series gets: no name with a leading "__"
  labels discovered;     ///< before relabelling
  std::string url;       ///< with query
  int64_t interval_ms = 0;
  int64_t timeout_ms = 0;
  /// Hash of all labels after relabelling and the URL: equal on every node, distinct inside a job.
  uint64_t id = 0;
};
using target_ptr = std::shared_ptr<const target>;

/// Makes the targets of one job. One owner.
class target_maker {
 public:
  /// `job` must outlive the maker. invalid_argument if a relabelling rule does not compile.
  static result<target_maker> create(const config::scrape_config& job);

  struct outcome {
    labels discovered;
    target_ptr made;  ///< null: dropped by relabelling, or `error`
    status error;     ///< why the address cannot be scraped, in Prometheus' words
  };
  /// `group_labels` include the meta labels of the discovery.
  outcome make(const std::string& address, const std::map<std::string, std::string>& group_labels);

 private:
  explicit target_maker(const config::scrape_config& job) : job_(&job) {}
  status finish(target& out);
  std::string url_of(const labels_builder& b) const;

  const config::scrape_config* job_;
  relabel::rules rules_;
  labels_builder builder_;
};

}  // namespace troupe::discover
