// Lines of classic histograms, one after the other, to histograms with custom buckets
// (convert_classic_histograms_to_nhcb for the text formats). Lives for one body.
#pragma once

#include "pipeline/parse/classic_histogram.h"
#include "pipeline/scrape/body_writer.h"

#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::scrape {

class classic_lines {
 public:
  /// All must outlive it.
  classic_lines(target_memory& memory, scrape_scratch& scratch, body_writer& writer)
      : memory_(memory), scratch_(scratch), writer_(writer) {}

  /// Whether the new line with the exposed labels of scratch.builder belongs to a classic histogram
  /// of the last TYPE line's `family`; then it is remembered, and the result its index in
  /// classic_memory::lines. The builder is left as it was. `start_key` (0: none) is that of the
  /// line.
  result<std::optional<uint32_t>> remember(std::string_view family, uint64_t start_key);

  /// A line of the histogram in hand, or the first of another one.
  void take(const classic_line& line, exposed_time t, double value);
  void take_exemplar(exemplar e) { exemplars_.push_back(std::move(e)); }
  /// What follows belongs to another series.
  void end() {
    if (in_hand_)
      store();
  }

 private:
  uint32_t find_histogram(uint64_t key);
  void store();

  target_memory& memory_;
  scrape_scratch& scratch_;
  body_writer& writer_;
  const size_t known_histograms_ = memory_.classic.histograms.size();
  std::unordered_map<uint64_t, uint32_t> by_key_;  ///< filled when a line is new
  std::optional<uint32_t> in_hand_;
  parse::classic_histogram gathered_;
  exposed_time time_;
  std::vector<exemplar> exemplars_;
};

}  // namespace troupe::scrape
