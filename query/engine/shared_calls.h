// What expressions share that one owner (a rule group) evaluates at the same instants, again and
// again: calls like rate(x[5m]) and plain selectors are evaluated once for each series, however
// many expressions select it, and which series an expression selects is found out once, as long as
// no series of the metric comes or goes. Whatever does not fit is evaluated as ever, and gives the
// same bits, but for those of NaN. One owner, one thread.
#pragma once

#include "query/engine/step_vector.h"
#include "query/parser/ast.h"
#include "storage/base/memory_budget.h"
#include "storage/querier.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace troupe::query {

/// A call, or an instant selector, over all series of one metric.
struct shared_call {
  enum state : uint8_t { unknown, known, odd };  ///< odd: a histogram

  std::string metric;
  int64_t window_ms = 0;  ///< how far back it reads
  int64_t offset_ms = 0;
  uint64_t wanted = 0;   ///< series of all its selections, when it was last evaluated; 0: not yet
  uint64_t met = 0;      ///< the same of this instant, so far
  uint64_t least = 1;    ///< of either, for another try
  uint32_t resting = 0;  ///< instants until it is tried again
  uint64_t held = 0;     ///< bytes

  // Of this instant, by position in the roster.
  bool opened = false;
  std::unique_ptr<storage::series_family> family;  ///< null: not opened, or it cannot be
  std::vector<double> values;                      ///< absent() where there is none
  std::vector<uint8_t> states;
  uint64_t read = 0;  ///< most samples that were read for one expression
};

/// The series that one node of an expression selects.
struct shared_selection {
  shared_call* call = nullptr;
  bool drops_name = false;
  bool useless = false;  ///< at this instant
  uint64_t held = 0;     ///< bytes

  storage::series_roster_ptr roster;  ///< that `members` are positions of; null: none yet
  std::vector<uint32_t> members;      ///< in label order
  bool alike = true;                  ///< they differ in more than labels that calls drop
  uint64_t result_bytes = 0;          ///< what their step_series weigh at most
  std::vector<uint32_t> group_of;     ///< of each member, or empty: not known
  std::vector<labels> groups;
};

class shared_calls {
 public:
  /// `max_bytes` may be held between instants.
  explicit shared_calls(uint64_t max_bytes = uint64_t{256} << 20) : max_bytes_(max_bytes) {}
  ~shared_calls();
  shared_calls(const shared_calls&) = delete;
  shared_calls& operator=(const shared_calls&) = delete;

  /// Until end(), values are of `at` and of what is stored now or later.
  void begin(timestamp_ms at);
  void end();
  /// Bytes that are kept.
  uint64_t bytes() const { return bytes_; }
  /// Nodes of expressions that were answered from what is shared.
  uint64_t answered() const { return answered_; }

 private:
  friend class engine;
  friend class evaluator;
  using node_key = std::tuple<const expr*, uint32_t, uint32_t>;  ///< root and position

  /// The process' budget, which is charged for what is kept; null: no bound.
  void charge_to(memory_budget* memory) { memory_ = memory; }
  bool covers(timestamp_ms at) const { return running_ && at == at_; }
  /// Of the node `e` of the expression `root`, which must live as long as this; null if it is
  /// nothing that can be shared.
  shared_selection* selection_of(const expr& root, const expr& e, int64_t lookback_ms);
  /// Brings `held` to `bytes`; false, and nothing changed, if that is too much.
  bool hold(uint64_t& held, uint64_t bytes);
  /// Whether the values of all series of its metric can be had now.
  bool open(shared_call& call, storage::queryable& source, std::string_view tenant);
  /// Brings the members to the roster of now.
  bool select(shared_selection& s, std::span<const matcher> match);
  /// Sorts the members into the groups of the aggregation above; false if there is no memory.
  bool regroup(shared_selection& s, const aggregate_expr& e, bool delayed_names);
  void drop(shared_selection& s);
  void drop_all();

  const uint64_t max_bytes_;
  memory_budget* memory_ = nullptr;
  uint64_t bytes_ = 0;
  uint64_t answered_ = 0;
  bool running_ = false;
  timestamp_ms at_ = 0;
  std::unordered_map<std::string, std::unique_ptr<shared_call>> calls_;  ///< by what they do
  std::map<node_key, std::unique_ptr<shared_selection>> selections_;     ///< null: nothing to share
};

}  // namespace troupe::query
