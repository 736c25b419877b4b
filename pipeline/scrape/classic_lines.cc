#include "pipeline/scrape/classic_lines.h"

#include "pipeline/parse/number.h"

#include <cmath>

namespace troupe::scrape {
namespace {

constexpr std::string_view bound_label = "le";

// Which part of a histogram of `family` this is; nothing if none.
std::optional<classic_line> part_of(const labels_builder& exposed, std::string_view family) {
  const auto name = exposed.get(metric_name_label);
  if (!name.starts_with(family))
    return std::nullopt;
  const auto suffix = name.substr(family.size());
  classic_line out;
  if (suffix == "_sum") {
    out.what = classic_line::part::sum;
    return out;
  }
  if (suffix == "_count") {
    out.what = classic_line::part::count;
    return out;
  }
  const auto le = exposed.get(bound_label);
  if (suffix != "_bucket" || le.empty() ||
      parse::parse_float(le, out.le) != parse::number_error::none || std::isnan(out.le))
    return std::nullopt;
  return out;
}

// Independent of the order of the labels.
uint64_t key_of(const labels_builder& base) {
  uint64_t key = 0;
  for (const auto& [name, value] : base.pairs())
    key += xxh3(value, xxh3(name));
  return key;
}

}  // namespace

result<std::optional<uint32_t>> classic_lines::remember(std::string_view family,
                                                        uint64_t start_key) {
  auto& exposed = scratch_.builder;
  auto line = part_of(exposed, family);
  if (!line)
    return std::optional<uint32_t>();
  const labels_builder before = exposed;
  exposed.set(metric_name_label, family).del(bound_label);
  const uint64_t key = key_of(exposed);
  line->histogram = find_histogram(key);
  auto& all = memory_.classic;
  if (line->histogram == all.histograms.size()) {
    TROUPE_ASSIGN(const uint32_t position, writer_.find_series_of_sample());
    by_key_.emplace(key, line->histogram);
    all.histograms.push_back({key, position});
    if (start_key != 0 && position != line_entry::dropped) {
      if (position >= memory_.start_keys.size())
        memory_.start_keys.resize(position + 1);
      memory_.start_keys[position] = start_key;
    }
  }
  exposed = before;
  all.lines.push_back(*line);
  return std::optional<uint32_t>(static_cast<uint32_t>(all.lines.size() - 1));
}

// The index of the histogram with this key; where the next one goes if there is none.
uint32_t classic_lines::find_histogram(uint64_t key) {
  const auto& all = memory_.classic.histograms;
  if (by_key_.empty())
    for (size_t i = 0; i < all.size(); ++i)
      by_key_.emplace(all[i].key, static_cast<uint32_t>(i));
  const auto it = by_key_.find(key);
  return it != by_key_.end() ? it->second : static_cast<uint32_t>(all.size());
}

void classic_lines::take(const classic_line& line, exposed_time t, double value) {
  if (in_hand_ != line.histogram) {
    end();
    in_hand_ = line.histogram;
    time_ = t;
  }
  switch (line.what) {
    case classic_line::part::bucket:
      gathered_.set_bucket(line.le, value);
      break;
    case classic_line::part::sum:
      gathered_.set_sum(value);
      break;
    case classic_line::part::count:
      gathered_.set_count(value);
      break;
  }
}

void classic_lines::store() {
  const uint32_t position = memory_.classic.histograms[*in_hand_].position;
  if (auto h = gathered_.convert()) {
    const bool is_new = *in_hand_ >= known_histograms_;
    // Its start is filled in when the body is through.
    const auto time =
        writer_.add_histogram(position, is_new, time_, std::move(h), no_start_timestamp);
    if (time)
      for (auto& e : exemplars_)
        writer_.add_exemplar(position, std::move(e));
  }
  in_hand_.reset();
  gathered_.clear();
  exemplars_.clear();
}

void classic_memory::keep_only(std::vector<line_entry>& known) {
  if (lines.empty())
    return;
  std::vector<classic_line> kept;
  std::vector<converted> kept_histograms;
  std::vector<uint32_t> moved(histograms.size(), line_entry::dropped);
  for (auto& e : known) {
    if (!line_entry::is_classic(e.ref))
      continue;
    auto l = lines[e.ref & ~line_entry::classic_flag];
    auto& to = moved[l.histogram];
    if (to == line_entry::dropped) {
      to = static_cast<uint32_t>(kept_histograms.size());
      kept_histograms.push_back(histograms[l.histogram]);
    }
    l.histogram = to;
    kept.push_back(l);
    e.ref = line_entry::classic_flag | static_cast<uint32_t>(kept.size() - 1);
  }
  lines = std::move(kept);
  histograms = std::move(kept_histograms);
}

}  // namespace troupe::scrape
