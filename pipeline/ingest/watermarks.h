// Until when the data of other nodes and regions are here, by the stage that brings them: for
// people, for the API and for warnings of queries. What rules wait for are input_marks.
// Thread-safe.
#pragma once

#include "storage/model/labels.h"
#include "storage/model/matcher.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::ingest {

struct watermark {
  std::string stage;  ///< the block of the configuration: federation, consume
  std::string name;   ///< in it
  labels adds;        ///< that its series have here, unless they have others of these names
  /// Everything that its source had up to then is stored; min_time: nothing is known yet.
  timestamp_ms complete_until = min_time;
  int64_t since_ms = 0;  ///< wall time at which it was known first
};

class watermarks {
 public:
  /// More than so much behind is worth a warning.
  static constexpr int64_t tolerance_ms = 60'000;

  /// The sources of a stage, by name, with the labels that it adds: what is known of them stays,
  /// others are forgotten.
  void set_sources(std::string_view stage, const std::map<std::string, labels>& sources,
                   int64_t now_ms);
  void note(std::string_view stage, const std::string& name, timestamp_ms complete_until);

  /// By stage and name.
  std::vector<watermark> list() const;
  /// A warning for each source of which samples that one of the selectors asks for, up to `end`,
  /// may be missing by more than the tolerance.
  std::vector<std::string> warnings(std::span<const matchers> selectors, timestamp_ms end,
                                    int64_t now_ms) const;
  /// Sources that have not brought everything up to `until`, which is past. Those of which nothing
  /// is known get some seconds to tell.
  std::vector<watermark> behind(timestamp_ms until, int64_t now_ms) const;
  /// One of the selectors may ask for a series of the source.
  static bool concerns(const watermark& w, std::span<const matchers> selectors);
  /// Some source is that much behind.
  bool any_behind(timestamp_ms end, int64_t now_ms) const;

 private:
  bool is_behind(const watermark& w, timestamp_ms end, int64_t now_ms) const;

  mutable std::mutex lock_;
  std::map<std::pair<std::string, std::string>, watermark> all_;
};

}  // namespace troupe::ingest
