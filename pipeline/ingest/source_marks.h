// Where a stage that takes over from others tells how complete that is. One owner.
#pragma once

#include "pipeline/ingest/input_marks.h"
#include "pipeline/ingest/watermarks.h"

#include <map>
#include <string>
#include <vector>

namespace troupe::ingest {

struct source_marks {
  std::string stage;             ///< the block of the configuration
  input_marks* marks = nullptr;  ///< what rules wait for; may be null
  watermarks* board = nullptr;   ///< what queries warn of; may be null

  /// Blocks with a name and labels.
  template <class Block>
  void set_sources(const std::vector<Block>& blocks, int64_t now_ms) const {
    if (board == nullptr)
      return;
    std::map<std::string, labels> sources;
    for (const auto& b : blocks)
      sources.emplace(b.name, labels::from({b.labels.begin(), b.labels.end()}));
    board->set_sources(stage, sources, now_ms);
  }
  void note(const std::string& name, timestamp_ms complete_until, int64_t now_ms) const {
    if (marks)
      marks->note(stage + " " + name, complete_until, now_ms);
    if (board)
      board->note(stage, name, complete_until);
  }
};

}  // namespace troupe::ingest
