// Questions to several regions at once, and one thread that waits for the answers. Owned by that
// thread; answers may come on others.
#pragma once

#include "pipeline/global/region.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace troupe::global {

/// How long a query waits for regions.
struct patience {
  int64_t deadline_ns = INT64_MAX;  ///< of requests; monotonic
  /// Of the waiting: a little later, so that a request that was in time to fail tells why.
  int64_t end_ns = INT64_MAX;
  const std::atomic<bool>* cancel = nullptr;  ///< set when the client has gone; may be null
};

class fan_out {
 public:
  /// `clk` outlives it.
  fan_out(const clock& clk, patience limits);
  /// What is still under way is given up.
  ~fan_out();
  fan_out(const fan_out&) = delete;
  fan_out& operator=(const fan_out&) = delete;

  /// Sends the question; the region's own timeout holds, too.
  void ask(const region_ptr& to, question q);
  bool empty() const { return asked_.empty(); }
  /// The answers in the order of the questions; once.
  std::vector<region_answer> wait();

 private:
  struct arrivals;
  struct sent {
    region_ptr to;
    region::errand_ptr errand;
  };
  void give_up(size_t i, region_answer& out);

  const clock& clock_;
  const patience limits_;
  const std::shared_ptr<arrivals> arrivals_;  ///< shared with callbacks, which may come late
  std::vector<sent> asked_;
  int64_t end_ns_ = 0;  ///< of the waiting for those asked so far
};

}  // namespace troupe::global
