// Remote write 2.0, the sending side: series and samples to the bytes of an
// io.prometheus.write.v2.Request. Compressing and sending them is the caller's. One owner at a
// time.
#pragma once

#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::remote {

/// Collects one request after the other. Texts are kept for good, so that a series costs no look-up
/// of them.
class write_v2_encoder {
 public:
  size_t known_texts() const { return texts_.size(); }
  /// A series as this encoder knows it, made once.
  struct series {
    std::vector<uint32_t> texts;  ///< names and values in turn
    metric_type type = metric_type::unknown;
    uint32_t help = 0, unit = 0;
  };
  write_v2_encoder() : texts_{&numbers_.try_emplace("", 0).first->first}, references_{0} {}

  series prepare(const labels& of, const metadata& described);

  /// Samples in order of time.
  void add(const series& s, std::span<const sample> samples);
  /// A histogram as a sample.
  void add(const series& s, timestamp_ms ts, const histogram& h,
           timestamp_ms start = no_start_timestamp);
  /// A sample of a series that began at `start`.
  void add(const series& s, const sample& of, timestamp_ms start);
  void add(const series& s, const exemplar& e);
  /// The request so far, valid until the next call.
  std::string_view request();
  /// Starts the next request.
  void clear();

 private:
  uint32_t number_of(std::string_view text);
  uint32_t reference(uint32_t number);
  void begin(const series& s);
  void end(const series& s);

  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<const std::string*> texts_;  ///< by number, of numbers_
  // Of the request under way.
  std::vector<uint32_t> references_;  ///< by number; 0: not in it, or the empty text
  std::vector<uint32_t> symbols_;     ///< numbers, by reference - 1
  std::string series_, message_, scratch_, out_;
};

}  // namespace troupe::remote
