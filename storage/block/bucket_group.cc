#include "storage/block/bucket_group.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

namespace troupe::storage {
namespace {

constexpr std::string_view bound_label = "le";
// A run is the buckets that one chunk on its own gives back. Whoever reads one of them decodes two
// and a half chunks on average: so many links in a run per two chunks at most.
constexpr size_t links_per_two = 3;
constexpr size_t longest_run = 6;
constexpr uint32_t most_links = 3;
// Head, count, link and form of a linked chunk, about.
constexpr size_t link_bytes = 10;
// A link takes longer to read: it must save this part of the chunk.
constexpr size_t least_saving = 16;
constexpr size_t never = std::numeric_limits<size_t>::max() / 4;

// The chunks with one number of the buckets of one histogram, by bound.
class bucket_row {
 public:
  /// `counted`: the last is of all observations, and comes again as the count of the histogram.
  bucket_row(std::vector<encoded_chunk*> chunks, bool counted)
      : chunks_(std::move(chunks)), counted_(counted) {}

  void append_plan(std::vector<chunk_plan>& out) {
    take_differences();
    for (const run& r : choose_runs())
      append_run(r, out);
  }

 private:
  struct run {
    size_t first = 0, root = 0, last = 0;
    size_t bytes = never;
  };

  // Each less the one before it; nothing where one of them cannot be told by the other.
  void take_differences() {
    differences_.assign(chunks_.size(), std::nullopt);
    sample_columns before, columns;
    for (size_t i = 0; i < chunks_.size(); ++i, std::swap(before, columns)) {
      columns.clear();
      TROUPE_CHECK(decode_chunk(chunks_[i]->bytes, min_time, max_time, columns).ok());
      if (i > 0 && !columns.ts.empty() && columns.ts == before.ts &&
          columns.start_ts == before.start_ts)
        differences_[i] = difference_of(before.values, columns.values);
    }
  }

  // What it adds to the block where it stands alone.
  size_t own_bytes(size_t i) const {
    return chunks_[i]->placed || (counted_ && i + 1 == chunks_.size()) ? 0
                                                                       : chunks_[i]->bytes.size();
  }
  // Of chunk `i` told by a neighbour, with `upper` the higher one of the two.
  size_t linked_bytes(size_t i, size_t upper) const {
    return differences_[upper] ? differences_[upper]->column.size() + link_bytes +
                                     chunks_[i]->bytes.size() / least_saving
                               : never;
  }

  // The cheapest run of these chunks.
  run run_of(size_t first, size_t last) const {
    run best{first, first, last};
    for (size_t root = first; root <= last; ++root) {
      size_t links = 0, bytes = own_bytes(root);
      for (size_t i = first; i <= last && bytes < never; ++i)
        if (i != root) {
          links += i < root ? root - i : i - root;
          bytes += linked_bytes(i, i < root ? i + 1 : i);
        }
      if (2 * links <= links_per_two * (last - first + 1) && bytes < best.bytes)
        best = {first, root, last, bytes};
    }
    return best;
  }

  std::vector<run> choose_runs() const {
    struct prefix {
      size_t bytes = 0;
      run last;
    };
    std::vector<prefix> best(chunks_.size() + 1);
    for (size_t end = 1; end <= chunks_.size(); ++end) {
      best[end].bytes = never;
      for (size_t n = 1; n <= std::min(end, longest_run); ++n) {
        const run r = run_of(end - n, end - 1);
        if (const size_t bytes = best[end - n].bytes + r.bytes; bytes < best[end].bytes)
          best[end] = {bytes, r};
      }
    }
    std::vector<run> out;
    for (size_t end = chunks_.size(); end > 0; end = out.back().first)
      out.push_back(best[end].last);
    std::reverse(out.begin(), out.end());
    return out;
  }

  // From the root outwards, so that links lead back.
  void append_run(const run& r, std::vector<chunk_plan>& out) {
    out.push_back({chunks_[r.root], nullptr, 0, difference_sign::added, {}});
    for (size_t i = r.root; i-- > r.first;)
      out.push_back({chunks_[i], chunks_[i + 1], static_cast<uint32_t>(r.root - i),
                     difference_sign::subtracted, std::move(*differences_[i + 1])});
    for (size_t i = r.root + 1; i <= r.last; ++i)
      out.push_back({chunks_[i], chunks_[i - 1], static_cast<uint32_t>(i - r.root),
                     difference_sign::added, std::move(*differences_[i])});
  }

  std::vector<encoded_chunk*> chunks_;
  const bool counted_;
  std::vector<std::optional<value_difference>> differences_;
};

}  // namespace

std::optional<bucket_place> bucket_place_of(const labels& series) {
  std::string_view bound = series.get(bound_label);
  if (bound.starts_with('+'))
    bound.remove_prefix(1);
  bucket_place out;
  const auto [end, error] = std::from_chars(bound.data(), bound.data() + bound.size(), out.bound);
  if (bound.empty() || error != std::errc() || end != bound.data() + bound.size() ||
      std::isnan(out.bound))
    return std::nullopt;
  for (const auto& label : series) {
    if (label.name == bound_label)
      continue;
    std::string& part = label.name < bound_label ? out.front : out.rest;
    put_bytes(part, label.name);
    put_bytes(part, label.value);
  }
  return out;
}

bool bucket_group::takes(const bucket_place& place) const {
  return series_.empty() || (bytes_ < max_bytes && places_.back().front == place.front);
}

void bucket_group::add(bucket_place place, encoded_series series) {
  bytes_ += 2 * series.series.blob_size() + sizeof place + sizeof series;
  for (const auto& c : series.chunks)
    bytes_ += sizeof c + c.bytes.size();
  places_.push_back(std::move(place));
  series_.push_back(std::move(series));
}

std::vector<chunk_plan> bucket_group::plan() {
  std::vector<size_t> order(series_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [this](size_t a, size_t b) {
    const auto &x = places_[a], &y = places_[b];
    return x.rest != y.rest ? x.rest < y.rest : x.bound < y.bound;
  });
  std::vector<chunk_plan> out;
  for (size_t i = 0; i < order.size();) {
    size_t end = i, most = 0;
    for (; end < order.size() && places_[order[end]].rest == places_[order[i]].rest; ++end)
      most = std::max(most, series_[order[end]].chunks.size());
    for (size_t number = 0; number < most; ++number) {
      std::vector<encoded_chunk*> row, again;
      for (size_t k = i; k < end; ++k)
        if (auto& chunks = series_[order[k]].chunks; number < chunks.size()) {
          encoded_chunk& chunk = chunks[number];
          const bool same = !row.empty() && row.back()->content == chunk.content;
          (same ? again : row).push_back(&chunk);
        }
      bucket_row(std::move(row), std::isinf(places_[order[end - 1]].bound)).append_plan(out);
      // Their places are those of their like.
      for (encoded_chunk* chunk : again)
        out.push_back({chunk, nullptr, most_links, difference_sign::added, {}});
    }
    i = end;
  }
  return out;
}

void bucket_group::clear() {
  series_.clear();
  places_.clear();
  bytes_ = 0;
}

}  // namespace troupe::storage
