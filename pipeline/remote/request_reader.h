// What reading a request of remote write is in both versions: collects its valid parts in batches
// and counts the others. `Version` gives
//   resolve(items)              the pages of series_cache
//   read_usual(item, batch)     reads what senders usually write behind the key; false: it is else
//   read_any(item, batch)       reads whatever is behind the key
//   has_late_labels(fields), labels_first(message), labels_refusal(key)
//   sample_fields               numbers of the fields of samples and of histograms in a series
// For the sources of the decoders alone. One owner, one request.
#pragma once

#include "pipeline/remote/write_codec.h"

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::remote {

/// Numbers of two fields.
using field_pair = std::array<uint32_t, 2>;
uint64_t count_fields(std::string_view message, const field_pair& fields);
inline constexpr std::string_view request_too_large_text =
    "the request holds more elements than its size justifies";
/// Puts those metadata that `known` lacks into the first batch, which is made if there is none.
/// `at(i)` gives what hash i stands for.
void add_fresh_metadata(metadata_cache& known, const std::vector<metadata_cache::entry>& hashes,
                        const write_limits& limits,
                        const std::function<metadata_fields(size_t)>& at,
                        std::vector<std::shared_ptr<write_batch>>& batches, decoded_write& out);
/// Ends the reading of a request.
[[noreturn]] void throw_request_too_large();
/// What `read` returns, or the error of what it throws.
result<decoded_write> guarded(const std::function<decoded_write()>& read);

template <class Version>
class request_reader {
 public:
  request_reader(series_cache& known, const write_limits& limits, size_t request_bytes)
      : known_(known),
        limits_(limits),
        left_bytes_(free_bytes + growth * request_bytes),
        usual_series_(request_bytes / usual_message_bytes) {}

  decoded_write done() {
    add_fresh_metadata(
        known_.metadata(), metadata_hashes_, limits_, [this](size_t i) { return metadata_[i]; },
        batches_, out_);
    for (auto& b : batches_)
      if (b->sample_count() + b->exemplars.size() + b->metadata.size() != 0)
        out_.batches.push_back(std::move(b));
    return std::move(out_);
  }

 protected:
  using item = series_cache::item;
  using items = std::vector<item>;

  /// Memory that a request may make of its bytes is bounded: what is read from so little that it
  /// could exceed that is charged before it is kept. A real sample or bucket stays far below.
  void charge(size_t bytes) {
    if (bytes > left_bytes_)
      throw_request_too_large();
    left_bytes_ -= bytes;
  }

  items new_items() const {
    items out;
    out.reserve(usual_series_);
    return out;
  }
  void add_item(items& to, std::string_view message) {
    charge(sizeof(item));
    to.push_back({message});
  }

  void add_series(items all) {
    place(all);
    if (late_.empty())
      return;
    // Labels behind samples: legal, and nobody's habit.
    const std::vector<std::string> owned = std::exchange(late_, {});
    all.clear();
    for (const auto& message : owned)
      all.push_back({message});
    place(all);
  }

  void add_float(write_batch& b, const float_entry& s, timestamp_ms start) {
    if (start != no_start_timestamp)
      b.starts.push_back({static_cast<uint32_t>(b.floats.size()), start});
    b.floats.emplace_back(s);  // in line; g++ makes a call of push_back
  }
  void add_float_charged(write_batch& b, const float_entry& s, timestamp_ms start) {
    charge(sizeof(float_entry) + (start != no_start_timestamp ? sizeof(start_entry) : 0));
    add_float(b, s, start);
  }

  void add_histogram(write_batch& b, const item& it, std::string_view message, bool custom_too) {
    charge(sizeof(histogram_entry) + sizeof(histogram));
    auto e = read_histogram(message, limits_);
    const histogram& h = *e.value;
    charge((h.positive_buckets.size() + h.negative_buckets.size() + h.custom_bounds.size()) *
               sizeof(double) +
           (h.positive_spans.size() + h.negative_spans.size()) * sizeof(histogram_span));
    std::string why = histogram_refusal(h, limits_);
    if (why.empty() && !custom_too && h.schema == histogram::custom_schema)
      why = "custom buckets need remote write 2.0";
    if (!why.empty())
      return out_.refused_histograms.add([&] { return std::move(why); });
    e.series = it.position;
    b.histograms.push_back(std::move(e));
  }

  void add_exemplar(write_batch& b, const item& it, exemplar_fields e) {
    charge(sizeof(exemplar_entry));
    if (auto why = exemplar_refusal(e, limits_); !why.empty())
      return out_.refused_exemplars.add([&] { return std::move(why); });
    b.exemplars.push_back({{labels::from_views(std::move(e.labels)), e.value, e.ts}, it.position});
  }

  /// The views live as long as the request.
  void add_metadata(const metadata_fields& m, const metadata_cache::entry& hashes) {
    charge(sizeof m + sizeof hashes);
    metadata_.push_back(m);
    metadata_hashes_.push_back(hashes);
  }

  series_cache& known_;
  const write_limits& limits_;
  decoded_write out_;
  std::vector<label_view> labels_;  ///< scratch

 private:
  static constexpr size_t usual_message_bytes = 96;  ///< a guess, for the size of vectors
  static constexpr size_t growth = 8, free_bytes = 64u << 10;

  Version& self() { return static_cast<Version&>(*this); }

  void place(items& all) {
    const auto pages = self().resolve(all);
    const size_t first = batches_.size();
    for (const auto& p : pages) {
      auto b = std::make_shared<write_batch>();
      b->group = p.group;
      b->taken_over = limits_.taken_over;
      b->table = p.table;
      b->floats.reserve(p.items);
      batches_.push_back(std::move(b));
    }
    for (const auto& it : all) {
      if (it.page != series_cache::nowhere && self().read_usual(it, *batches_[first + it.page]))
        continue;
      if (self().has_late_labels(it.rest()))
        late_.push_back(self().labels_first(it.message));
      else if (it.page == series_cache::nowhere)
        refuse(it);
      else
        self().read_any(it, *batches_[first + it.page]);
    }
  }

  void refuse(const item& it) {
    out_.refused_series.add([&] { return self().labels_refusal(it.key()); });
    out_.samples_of_refused_series += count_fields(it.message, Version::sample_fields);
  }

  size_t left_bytes_;
  const size_t usual_series_;
  std::vector<std::shared_ptr<write_batch>> batches_;
  std::vector<metadata_fields> metadata_;
  std::vector<metadata_cache::entry> metadata_hashes_;  ///< of each of metadata_
  std::vector<std::string> late_;
};

/// Reads a request with a reader that has read(protobuf) and done().
template <class Reader>
result<decoded_write> read_request(std::string_view protobuf, series_cache& known,
                                   const write_limits& limits) {
  return guarded([&] {
    Reader r(known, limits, protobuf.size());
    r.read(protobuf);
    return r.done();
  });
}

}  // namespace troupe::remote
