#include "pipeline/global/local_share.h"

#include "pipeline/global/labelled_series.h"
#include "pipeline/global/matching.h"
#include "storage/chunk/series_merge.h"

#include <algorithm>
#include <set>

namespace troupe::global {
namespace {

using storage::querier;
using storage::select_hints;
using storage::series_set;

std::vector<std::string> cut(const std::set<std::string>& all, size_t limit) {
  std::vector<std::string> out(all.begin(), all.end());
  if (limit != 0 && out.size() > limit)
    out.resize(limit);
  return out;
}

class sharing_querier final : public querier {
 public:
  sharing_querier(std::unique_ptr<querier> local, share which, timestamp_ms mint, timestamp_ms maxt)
      : local_(std::move(local)), which_(std::move(which)), mint_(mint), maxt_(maxt) {
    strange_ = which_.others;
    if (!which_.own.empty()) {
      strange_.push_back(which_.own);
      strange_.emplace_back();
    }
  }

  result<std::unique_ptr<series_set>> select(const select_hints& hints,
                                             std::span<const matcher> ms) override {
    std::vector<std::unique_ptr<series_set>> sets;
    if (!which_.only.empty()) {
      if (const auto replicas = only_region(ms, which_.only))
        TROUPE_TRY(add(hints, *replicas, sets));
      return storage::merge_series(std::move(sets));
    }
    TROUPE_TRY(add(hints, without_regions(ms, strange_), sets));
    if (auto own = own_of(ms)) {
      own->pop_back();  // the matcher of the region: those with and without it in turn
      own->push_back(matcher::equal(std::string(region_label), which_.own));
      TROUPE_TRY(add(hints, *own, sets));
      own->back() = matcher::equal(std::string(region_label), "");
      TROUPE_TRY(add(hints, *own, sets));
      timestamp_ms mint = mint_, maxt = maxt_;
      if (hints.start != 0 || hints.end != 0) {
        mint = std::max(mint, hints.start);
        maxt = std::min(maxt, hints.end);
      }
      sets.back() =
          with_label(std::move(sets.back()), std::string(region_label), which_.own, mint, maxt);
    }
    return sets.size() == 1 ? std::move(sets.front()) : storage::merge_series(std::move(sets));
  }

  result<std::vector<std::string>> label_names(std::span<const matcher> ms, size_t limit) override {
    return collect(ms, limit, std::string(region_label),
                   [&](std::span<const matcher> some) { return local_->label_names(some, limit); });
  }
  result<std::vector<std::string>> label_values(std::string_view name, std::span<const matcher> ms,
                                                size_t limit) override {
    // Of the own series those without the label have the region's name, too.
    if (name == region_label)
      return region_values(ms, limit);
    return collect(ms, limit, "", [&](std::span<const matcher> some) {
      return local_->label_values(name, some, limit);
    });
  }
  std::vector<std::string> warnings() const override { return local_->warnings(); }

 private:
  std::optional<matchers> own_of(std::span<const matcher> ms) const {
    return which_.own.empty() ? std::nullopt : own_matchers(ms, which_.own);
  }

  status add(const select_hints& hints, const matchers& ms,
             std::vector<std::unique_ptr<series_set>>& out) {
    TROUPE_ASSIGN(auto set, local_->select(hints, ms));
    out.push_back(std::move(set));
    return {};
  }

  // The union over the parts; `also` comes with own series.
  template <class Ask>
  result<std::vector<std::string>> collect(std::span<const matcher> ms, size_t limit,
                                           const std::string& also, const Ask& ask) {
    std::set<std::string> out;
    const auto add = [&](const matchers& some, bool own) -> status {
      TROUPE_ASSIGN(const auto found, ask(some));
      out.insert(found.begin(), found.end());
      if (own && !found.empty() && !also.empty())
        out.insert(also);
      return {};
    };
    if (!which_.only.empty()) {
      if (const auto replicas = only_region(ms, which_.only))
        TROUPE_TRY(add(*replicas, false));
      return cut(out, limit);
    }
    TROUPE_TRY(add(without_regions(ms, strange_), false));
    if (const auto own = own_of(ms))
      TROUPE_TRY(add(*own, true));
    return cut(out, limit);
  }

  result<std::vector<std::string>> region_values(std::span<const matcher> ms, size_t limit) {
    std::set<std::string> out;
    if (!which_.only.empty()) {
      const auto replicas = only_region(ms, which_.only);
      if (!replicas)
        return cut(out, limit);
      TROUPE_ASSIGN(const auto names, local_->label_names(*replicas, 1));
      if (!names.empty())
        out.insert(which_.only);
      return cut(out, limit);
    }
    TROUPE_ASSIGN(const auto strange,
                  local_->label_values(region_label, without_regions(ms, strange_), limit));
    out.insert(strange.begin(), strange.end());
    if (const auto own = own_of(ms)) {
      TROUPE_ASSIGN(const auto names, local_->label_names(*own, 1));
      if (!names.empty())
        out.insert(which_.own);
    }
    return cut(out, limit);
  }

  const std::unique_ptr<querier> local_;
  const share which_;
  std::vector<std::string> strange_;  ///< regions of which nothing, or not this, is read as it is
  const timestamp_ms mint_, maxt_;
};

}  // namespace

std::unique_ptr<querier> share_of(std::unique_ptr<querier> local, share which, timestamp_ms mint,
                                  timestamp_ms maxt) {
  return std::make_unique<sharing_querier>(std::move(local), std::move(which), mint, maxt);
}

result<std::unique_ptr<querier>> local_share::open(std::string_view tenant, timestamp_ms mint,
                                                   timestamp_ms maxt) {
  TROUPE_ASSIGN(auto local, local_.open(tenant, mint, maxt));
  return share_of(std::move(local), which_, mint, maxt);
}

}  // namespace troupe::global
