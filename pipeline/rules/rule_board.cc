#include "pipeline/rules/rule_board.h"

namespace troupe::rules {

void rule_board::publish(group_view_ptr view) {
  const auto& d = *view->definition;
  const std::lock_guard guard(lock_);
  groups_[{d.file, d.name}] = std::move(view);
}

void rule_board::remove(const group_definition& group) {
  const std::lock_guard guard(lock_);
  groups_.erase({group.file, group.name});
}

std::vector<group_view_ptr> rule_board::all() const {
  const std::lock_guard guard(lock_);
  std::vector<group_view_ptr> out;
  out.reserve(groups_.size());
  for (const auto& [name, view] : groups_)
    out.push_back(view);
  return out;
}

}  // namespace troupe::rules
