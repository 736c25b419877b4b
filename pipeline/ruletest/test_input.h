// The input series of a unit test, stored step by step as the test goes on. One test's.
#pragma once

#include "config/rule_test_file.h"
#include "query/promqltest/script.h"
#include "storage/base/result.h"
#include "storage/model/batch.h"

#include <vector>

namespace troupe::rules {

class test_input {
 public:
  /// Times of samples count from `start`. The series as a promqltest script would load them.
  static result<test_input> parse(const config::rule_test& test, timestamp_ms start);

  /// Samples up to `ts` that were not given yet; null if there are none.
  batch_ptr until(timestamp_ms ts);

 private:
  std::vector<query::loaded_series> series_;
  std::vector<size_t> given_;  ///< of each
  series_table_ptr table_;
};

}  // namespace troupe::rules
