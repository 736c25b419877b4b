#include "storage/block/block_check.h"

#include "storage/base/hash.h"
#include "storage/block/block_layout.h"
#include "storage/block/series_stats.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::storage {
namespace {

// Spreads a reference over 64 bits, so that sums of them tell sets of references apart.
uint64_t mixed(series_ref ref) {
  return xxh3({reinterpret_cast<const char*>(&ref), sizeof(ref)});
}

}  // namespace

block_check::block_check(std::shared_ptr<const block_reader> block)
    : block_(std::move(block)), tombstones_(block_->tombstones()) {}

uint64_t block_check::bytes_total() const {
  return block_->bytes();
}

bool block_check::step(uint64_t budget_bytes) {
  const uint64_t end = done_ + budget_bytes;
  do {
    if (block_->unreadable()) {
      report("", 0, block_->bytes(), "its files cannot be read any more");
      phase_ = phase::end;
    }
    switch (phase_) {
      case phase::tables:
        check_tables();
        break;
      case phase::series:
        if (next_chunk_ < chunks_.size())
          check_chunk(chunks_[next_chunk_++]);
        else
          begin_series();
        break;
      case phase::postings:
        check_postings();
        break;
      case phase::end:
        return true;
    }
  } while (phase_ != phase::end && done_ < end);
  return phase_ == phase::end;
}

void block_check::check_tables() {
  phase_ = phase::series;
  done_ += block_->meta().index_bytes;
  if (status s = block_->index().check_tables(); !s.ok()) {
    report(block_layout::index_file, 0, block_->meta().index_bytes, std::string(s.message()));
    phase_ = phase::end;  // nothing behind them means anything
    return;
  }
  pairs_.resize(block_->index().pair_count());
  const uint64_t chunk_bytes = block_->chunk_file_bytes();
  if (chunk_bytes != block_->meta().chunk_bytes)
    report(block_layout::chunk_file, std::min(chunk_bytes, block_->meta().chunk_bytes), 0,
           fmt::format("the file has {} bytes, meta says {}", chunk_bytes,
                       block_->meta().chunk_bytes));
  for (const auto& [ref, entry] : tombstones_->series)
    if (ref >= block_->index().series_count())
      report(block_layout::tombstone_file, 0, 0,
             fmt::format("deletes of series {}, which does not exist", ref));
}

// Statistics are the same bits as what they are made of.
void block_check::check_statistics() {
  if (statistics_.empty())
    return;
  const auto told = decode_series_stats(statistics_);
  const auto found = series_stats_of(values_);
  if (!told.ok() || !found || encode_series_stats(*found) != statistics_)
    report(block_layout::index_file, block_->index().record_offset(next_series_ - 1), 0,
           fmt::format("the statistics of {} are not those of its samples", previous_.to_string()));
  statistics_ = {};
}

void block_check::begin_series() {
  check_statistics();
  if (next_series_ == block_->index().series_count()) {
    check_totals();
    phase_ = phase::postings;
    return;
  }
  const series_ref ref = next_series_++;
  const uint64_t at = block_->index().record_offset(ref);
  labels series;
  chunks_.clear();
  next_chunk_ = 0;
  floats_ = histograms_ = {};
  values_.clear();
  if (status s = block_->read_series(ref, series, chunks_, &statistics_, &cursor_); !s.ok()) {
    chunks_.clear();
    statistics_ = {};
    all_series_read_ = false;
    report(block_layout::index_file, at, 0, fmt::format("series {}: {}", ref, s.message()));
    return;
  }
  if (!previous_.empty() && !(previous_ < series))
    report(block_layout::index_file, at, 0,
           fmt::format("series {} {} is not behind the one before", ref, series.to_string()));
  chunk_count_ += chunks_.size();
  take_pairs(series);
  check_tombstones_of(ref, series);
  previous_ = std::move(series);
}

void block_check::take_pairs(const labels& series) {
  for (const auto& pair : series) {
    const auto number = block_->index().find_pair(pair.name, pair.value);
    if (!number) {
      report(block_layout::index_file, block_->index().record_offset(next_series_ - 1), 0,
             fmt::format("series {}: {}=\"{}\" is not among the label values", next_series_ - 1,
                         pair.name, pair.value));
      continue;
    }
    ++pairs_[*number].series;
    pairs_[*number].mix += mixed(next_series_ - 1);
  }
}

void block_check::check_tombstones_of(series_ref ref, const labels& series) {
  const auto at = tombstones_->series.find(ref);
  if (at != tombstones_->series.end() && at->second.labels_hash != series.hash())
    report(block_layout::tombstone_file, 0, 0,
           fmt::format("the deletes of series {} belong to other labels", ref));
}

void block_check::check_chunk(const chunk_ref& ref) {
  done_ += ref.length;
  columns_.clear();
  const auto damaged = [&](const std::string& why) {
    report(block_layout::chunk_file, ref.offset, ref.length,
           fmt::format("chunk of {} samples of {}: {}", ref.samples, previous_.to_string(), why));
  };
  if (status s = block_->read_chunk(ref, min_time, max_time, columns_, cache_); !s.ok()) {
    all_chunks_read_ = false;
    statistics_ = {};  // nothing to hold against them
    if (damaged_.insert(ref.offset).second)
      damaged(std::string(s.message()));
    return;
  }
  if (!statistics_.empty())
    values_.insert(values_.end(), columns_.values.begin(), columns_.values.end());
  const bool histograms = !columns_.histograms.empty();
  const size_t samples = columns_.ts.size() + columns_.histograms.size();
  sample_count_ += samples;
  histogram_count_ += columns_.histograms.size();
  // A decoded chunk has a sample, and its times ascend.
  const timestamp_ms first = histograms ? columns_.histograms.front().ts : columns_.ts.front();
  const timestamp_ms last = histograms ? columns_.histograms.back().ts : columns_.ts.back();
  if (samples != ref.samples || first != ref.min_ts || last != ref.max_ts)
    damaged(fmt::format("holds {} samples in [{}, {}], the index says [{}, {}]", samples, first,
                        last, ref.min_ts, ref.max_ts));
  if (first < block_->meta().min_time || last >= block_->meta().max_time)
    damaged("is outside of the block's time");
  kind_state& state = histograms ? histograms_ : floats_;
  if (state.any && first <= state.last)
    damaged("overlaps the chunk before");
  state = {true, last};
}

void block_check::check_totals() {
  const block_meta& m = block_->meta();
  const auto compare = [&](std::string_view what, uint64_t found, uint64_t said) {
    if (found != said)
      report(block_layout::meta_file, 0, 0,
             fmt::format("says {} {}, the block has {}", said, what, found));
  };
  if (!all_series_read_)
    return;
  compare("chunks", chunk_count_, m.chunks);
  if (!all_chunks_read_)
    return;
  compare("samples", sample_count_, m.samples);
  compare("histograms", histogram_count_, m.histograms);
}

void block_check::check_postings() {
  const auto& index = block_->index();
  if (next_pair_ == pairs_.size()) {
    phase_ = phase::end;
    return;
  }
  const uint32_t number = next_pair_++;
  auto list = index.pair_postings(number);
  if (!list.ok()) {
    report(
        block_layout::index_file, 0, 0,
        fmt::format("label value \"{}\": {}", index.pair_at(number).value, list.error().message()));
    return;
  }
  const posting_list refs = (*list)->to_list();
  done_ += refs.size();
  pair_state listed{static_cast<uint32_t>(refs.size()), 0};
  for (const series_ref ref : refs)
    listed.mix += mixed(ref);
  const pair_state& found = pairs_[number];
  if (all_series_read_ && (listed.series != found.series || listed.mix != found.mix))
    report(block_layout::index_file, 0, 0,
           fmt::format("label value \"{}\" lists {} series, not the {} that have it",
                       index.pair_at(number).value, listed.series, found.series));
}

void block_check::report(std::string_view file, uint64_t offset, uint64_t bytes,
                         std::string reason) {
  ++damages_;
  if (places_.size() < max_places)
    places_.push_back({file.empty() ? block_->dir() : join_path(block_->dir(), file),
                       std::move(reason), offset, bytes});
}

}  // namespace troupe::storage
