#include "pipeline/remote/series_collector.h"

#include "pipeline/remote/request_reader.h"
#include "storage/base/coding.h"

#include <algorithm>

namespace troupe::remote {

namespace {

/// So many bytes of keys wait at most to be looked up together.
constexpr size_t flush_bytes = 256u << 10;
/// Series do not share longer texts (labels::packed()): each keeps its own, so they count for more.
constexpr size_t shared_text_bytes = 8u << 10;
constexpr size_t weight_of_long_text = 16;

size_t weight_of(std::string_view text) {
  return text.size() * (text.size() > shared_text_bytes ? weight_of_long_text : 1);
}

/// A key is a 0, then names and values in the order of names.
void put_key(std::string& out, std::span<const label_view> sorted) {
  put_u8(out, 0);
  for (const auto& l : sorted) {
    put_bytes(out, l.name);
    put_bytes(out, l.value);
  }
}

void read_key(std::string_view key, std::vector<label_view>& out) {
  out.clear();
  byte_reader in(key.substr(1));
  while (!in.at_end()) {
    const auto name = in.bytes();
    out.push_back({name, in.bytes()});
  }
}

size_t heap_bytes(const histogram& h) {
  return (h.positive_buckets.capacity() + h.negative_buckets.capacity() +
          h.custom_bounds.capacity()) *
             sizeof(double) +
         (h.positive_spans.capacity() + h.negative_spans.capacity()) * sizeof(histogram_span);
}

}  // namespace

series_collector::series_collector(series_cache& known, const write_limits& limits,
                                   size_t request_bytes, growth grow)
    : known_(known), limits_(limits), left_bytes_(grow.free_bytes + grow.factor * request_bytes) {}

bool series_collector::charge(size_t bytes) {
  full_ = full_ || bytes > left_bytes_;
  left_bytes_ -= full_ ? 0 : bytes;
  return !full_;
}

void series_collector::begin_series(std::span<const label_view> all) {
  if (keys_.size() >= flush_bytes)
    flush();
  labels_.clear();
  size_t bytes = sizeof(pending);
  for (const auto& l : all) {
    if (l.value.empty())
      continue;
    bytes += weight_of(l.name) + weight_of(l.value) + 2;
    labels_.push_back(l);
  }
  if (!charge(bytes))
    return;
  // Of a repeated name all are kept: the series is refused for it.
  std::stable_sort(labels_.begin(), labels_.end(),
                   [](const label_view& a, const label_view& b) { return a.name < b.name; });
  put_key(keys_, labels_);
  series_.push_back({keys_.size(), floats_.size(), histograms_.size(), exemplars_.size()});
}

void series_collector::add(timestamp_ms ts, double value, timestamp_ms start) {
  if (charge(sizeof(pending_float)))
    floats_.push_back({ts, start, value});
  if (!full_)
    series_.back().floats_end = floats_.size();
}

void series_collector::add(timestamp_ms ts, histogram_ptr value, timestamp_ms start) {
  if (!charge(sizeof(histogram_entry) + sizeof(histogram) + heap_bytes(*value)))
    return;
  if (auto why = histogram_refusal(*value, limits_); !why.empty())
    return out_.refused_histograms.add([&] { return std::move(why); });
  histograms_.push_back({ts, start, std::move(value), 0});
  series_.back().histograms_end = histograms_.size();
}

void series_collector::add(exemplar_fields e) {
  if (!charge(sizeof(exemplar)))
    return;
  if (auto why = exemplar_refusal(e, limits_); !why.empty())
    return out_.refused_exemplars.add([&] { return std::move(why); });
  exemplars_.push_back({labels::from_views(std::move(e.labels)), e.value, e.ts});
  series_.back().exemplars_end = exemplars_.size();
}

void series_collector::refuse_sample(std::string_view why) {
  out_.refused_series.add([&] { return std::string(why); });
  ++out_.samples_of_refused_series;
}

void series_collector::refuse_exemplar(std::string_view why) {
  out_.refused_exemplars.add([&] { return std::string(why); });
}

void series_collector::add(const metadata_fields& m) {
  if (!charge(sizeof(owned_metadata) + m.family.size() + m.unit.size() + m.help.size()))
    return;
  const auto hash = [&](std::string_view text) { return known_.hash_text(text); };
  metadata_hashes_.push_back(
      metadata_cache::entry_of(hash(m.family), m.type, hash(m.unit), hash(m.help)));
  metadata_.push_back({m.type, std::string(m.family), std::string(m.unit), std::string(m.help)});
}

std::string series_collector::refusal_of(std::string_view key) {
  read_key(key, labels_);
  return series_refusal(labels_, limits_);
}

void series_collector::refuse(std::string_view key, uint64_t samples) {
  out_.refused_series.add([&] { return refusal_of(key); });
  out_.samples_of_refused_series += samples;
}

/// Pages are only added to: a table of a page goes on where an older one ends.
write_batch& series_collector::batch_of(const series_cache::page_view& page) {
  const auto [at, is_new] = batch_by_group_.try_emplace(page.group, batches_.size());
  if (is_new) {
    batches_.push_back(std::make_shared<write_batch>());
    batches_.back()->group = page.group;
    batches_.back()->taken_over = limits_.taken_over;
  }
  write_batch& b = *batches_[at->second];
  b.table = page.table;
  return b;
}

void series_collector::take(const pending& from, const pending& to, uint32_t position,
                            write_batch& into) {
  for (size_t i = from.floats_end; i < to.floats_end; ++i) {
    const pending_float& f = floats_[i];
    if (f.start != no_start_timestamp)
      into.starts.push_back({static_cast<uint32_t>(into.floats.size()), f.start});
    into.floats.push_back({f.ts, f.value, position});
  }
  for (size_t i = from.histograms_end; i < to.histograms_end; ++i) {
    histograms_[i].series = position;
    into.histograms.push_back(std::move(histograms_[i]));
  }
  for (size_t i = from.exemplars_end; i < to.exemplars_end; ++i)
    into.exemplars.push_back({std::move(exemplars_[i]), position});
}

void series_collector::flush() {
  std::vector<series_cache::item> items;
  items.reserve(series_.size());
  pending before;
  for (const pending& p : series_) {
    items.push_back({std::string_view(keys_).substr(before.key_end, p.key_end - before.key_end)});
    before = p;
  }
  const auto pages = known_.resolve_texts(items, [this](std::string_view key) {
    return refusal_of(key).empty() ? labels::from_views(labels_) : labels();
  });
  before = {};
  for (size_t i = 0; i < items.size(); ++i) {
    const pending& p = series_[i];
    if (items[i].page == series_cache::nowhere)
      refuse(items[i].message,
             p.floats_end - before.floats_end + p.histograms_end - before.histograms_end);
    else
      take(before, p, items[i].position, batch_of(pages[items[i].page]));
    before = p;
  }
  keys_.clear();
  series_.clear();
  floats_.clear();
  histograms_.clear();
  exemplars_.clear();
}

result<decoded_write> series_collector::done() {
  if (full_)
    return {errc::out_of_bounds, std::string(request_too_large_text)};
  flush();
  add_fresh_metadata(
      known_.metadata(), metadata_hashes_, limits_,
      [this](size_t i) {
        const owned_metadata& m = metadata_[i];
        return metadata_fields{m.family, m.type, m.unit, m.help};
      },
      batches_, out_);
  for (auto& b : batches_)
    if (b->sample_count() + b->exemplars.size() + b->metadata.size() != 0)
      out_.batches.push_back(std::move(b));
  return std::move(out_);
}

}  // namespace troupe::remote
