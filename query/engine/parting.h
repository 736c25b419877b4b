// Which parts of an expression each place can evaluate by itself (parts.h), so that the merged
// answers are what evaluating over all series here gives, to the bit. Pure functions of a checked
// tree with resolved durations.
#pragma once

#include "query/engine/analysis.h"
#include "query/parser/ast.h"
#include "query/parser/rewrite.h"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace troupe::query {

/// How the answers of the places become the value of a part.
enum class part_merge : uint8_t {
  unite,  ///< no two places have the same series
  count,  ///< these: of groups that reach over places
  min,
  max,
  group,
  rank,  ///< topk and bottomk: the best of the best, where no two are alike at the border
};

/// What is made of the order of a part's series, which an answer does not tell.
enum class order_use : uint8_t {
  none,      ///< as a set: the result of a query
  of_zeros,  ///< which of 0 and -0 is met first
  full,      ///< sums round, ties are broken
};

/// A node that is evaluated at the places.
struct parted_node {
  expr_ptr root;  ///< a copy that says all by itself
  part_merge merge = part_merge::unite;
  /// Its series come in the order of their labels, with `name` as the metric name where that is not
  /// empty. Without: their order is not known here.
  bool ordered = false;
  std::string name;
  order_use used = order_use::none;
  /// topk or bottomk: an instant vector is in the order of values within its groups.
  const aggregate_expr* ranked = nullptr;
  size_t best = 0;  ///< rank: how many; the places are asked for one more
};

class parting {
 public:
  struct rules {
    std::string_view label;  ///< see part_evaluator::parting_label()
    text_surroundings here;
    bool delayed_names = false;    ///< then there are no parts
    bool metadata_labels = false;  ///< __type__ and __unit__ are at work
  };
  /// The tree must outlive this.
  parting(const expr& root, const figure_selectors& figures, const rules& r);

  /// What is to be asked for in the place of `e`, or null. Parentheses are looked through. Where
  /// groups reach over places there are parts below, too, if the answers leave something open.
  const parted_node* find(const expr& e) const {
    const auto it = nodes_.find(&e);
    return it == nodes_.end() ? nullptr : &it->second;
  }
  size_t size() const { return nodes_.size(); }

 private:
  std::unordered_map<const expr*, parted_node> nodes_;
};

}  // namespace troupe::query
