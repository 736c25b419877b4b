#include "pipeline/send/series_filter.h"

#include <algorithm>

namespace troupe::send {

labels series_rules::apply(const labels& in) const {
  if (!selectors.empty() && std::none_of(selectors.begin(), selectors.end(),
                                         [&](const auto& one) { return matches_all(one, in); }))
    return {};
  labels_builder b(in);
  for (const auto& [name, value] : external_labels)
    if (b.get(name).empty())
      b.set(name, value);
  if (!relabelling.apply(b))
    return {};
  return b.build();
}

const labels& series_filter::operator()(const storage::wal_batch& batch, uint32_t id) {
  const labels& in = batch.series(id).lset;
  if (rules_->keeps_all_as_is())
    return in;
  if (known_.size() <= id)
    known_.resize(std::max<size_t>(id + 1, batch.dictionary->size()));
  known& k = known_[id];
  if (k.from.empty() || !k.from.same_object(in))
    k = {in, rules_->apply(in).packed()};
  return k.to;
}

}  // namespace troupe::send
