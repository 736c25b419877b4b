#include "storage/head/chunk_store.h"

#include <algorithm>
#include <cstring>

namespace troupe::storage {
namespace {

/// A new region has this part of what all together hold.
constexpr size_t region_part = 64;
/// Largest by smallest region.
constexpr size_t max_growth = 64;

}  // namespace

const chunk_region* chunk_view::region_of(chunk_position p) const {
  const auto after =
      std::upper_bound(regions.begin(), regions.end(), p,
                       [](chunk_position at, const chunk_region_ptr& r) { return at < r->begin; });
  return after == regions.begin() ? nullptr : std::prev(after)->get();
}

status chunk_view::trusted(std::span<const stored_chunk> chunks) const {
  for (const auto& c : chunks)
    if (const chunk_region* r = region_of(c.position); r && r->file && r->file->failed())
      return damaged_at(c.position);
  return {};
}

status chunk_view::damaged_at(chunk_position p) {
  return {errc::corruption, "chunk of the head at " + std::to_string(p) + " is damaged"};
}

chunk_store::chunk_store(size_t min_region_bytes)
    : min_region_(min_region_bytes), view_(std::make_shared<const chunk_view>()) {}

chunk_view_ptr chunk_store::view() const {
  const std::lock_guard guard(mutex_);
  return view_;
}

void chunk_store::publish(chunk_view next) {
  auto made = std::make_shared<const chunk_view>(std::move(next));
  const std::lock_guard guard(mutex_);
  view_.swap(made);
}

chunk_position chunk_store::make_room(size_t n) {
  if (last_ && next_ + n <= last_->begin + last_->capacity)
    return last_->begin;
  chunk_view changed = *view_;
  size_t all = 0;
  for (const auto& r : changed.regions)
    all += r->capacity;
  auto made = std::make_shared<chunk_region>();
  made->begin = last_ ? last_->begin + last_->capacity : next_;
  made->capacity =
      std::max(n, std::clamp(all / region_part, min_region_, min_region_ * max_growth));
  made->memory = std::make_unique_for_overwrite<char[]>(made->capacity);
  if (last_)
    last_->used = next_ - last_->begin;
  next_ = made->begin;
  last_ = made;
  contents_.emplace_back();
  changed.regions.push_back(std::move(made));
  publish(std::move(changed));
  return next_;
}

void chunk_store::write(std::string_view bytes) {
  std::memcpy(last_->memory.get() + (next_ - last_->begin), bytes.data(), bytes.size());
  next_ += bytes.size();
}

void chunk_store::note(uint32_t cut, timestamp_ms max_ts) {
  content& c = contents_.back();
  c.cut = std::max(c.cut, cut);
  c.max_ts = std::max(c.max_ts, max_ts);
}

void chunk_store::begin_cut(timestamp_ms bound) {
  chunk_view changed = *view_;
  ++changed.cut;
  changed.bound = bound;
  publish(std::move(changed));
}

void chunk_store::release_cut() {
  chunk_view changed = *view_;
  changed.released_cut = changed.cut;
  changed.released_bound = changed.bound;
  // From the front only: a link that leads out of the regions leads to nothing that counts.
  size_t gone = 0;
  while (gone < contents_.size() && contents_[gone].cut < changed.released_cut &&
         contents_[gone].max_ts < changed.released_bound)
    ++gone;
  for (size_t i = 0; i < gone; ++i)
    if (changed.regions[i]->file)
      given_up_.push_back(changed.regions[i]->begin);
  const auto n = static_cast<ptrdiff_t>(gone);
  contents_.erase(contents_.begin(), contents_.begin() + n);
  changed.regions.erase(changed.regions.begin(), changed.regions.begin() + n);
  if (changed.regions.empty()) {
    next_ = last_ ? last_->begin + last_->capacity : next_;
    last_.reset();
  }
  publish(std::move(changed));
}

std::vector<chunk_region_ptr> chunk_store::full_regions() const {
  std::vector<chunk_region_ptr> out;
  for (const auto& r : view_->regions)
    if (!r->file && r != last_)
      out.push_back(r);
  return out;
}

bool chunk_store::move_to(chunk_position begin, std::unique_ptr<chunk_file> file) {
  chunk_view changed = *view_;
  const auto at = std::find_if(changed.regions.begin(), changed.regions.end(),
                               [&](const chunk_region_ptr& r) { return r->begin == begin; });
  if (at == changed.regions.end())
    return false;
  auto made = std::make_shared<chunk_region>();
  made->begin = begin;
  made->capacity = (*at)->capacity;
  made->used = (*at)->used;
  made->file = std::move(file);
  *at = std::move(made);
  publish(std::move(changed));
  return true;
}

saved_chunks chunk_store::save() const {
  saved_chunks out{
      view_->cut, view_->released_bound, last_ ? last_->begin + last_->capacity : next_, {}};
  for (size_t i = 0; i < view_->regions.size(); ++i) {
    const chunk_region& r = *view_->regions[i];
    saved_region& s = out.regions.emplace_back();
    s.begin = r.begin;
    s.capacity = static_cast<uint32_t>(r.capacity);
    s.used = static_cast<uint32_t>(view_->regions[i] == last_ ? next_ - r.begin : r.used);
    s.cut = contents_[i].cut;
    s.max_ts = contents_[i].max_ts;
    s.in_file = r.file != nullptr;
    if (s.in_file)
      s.checksum = r.file->checksum();
    else
      s.bytes = r.bytes().substr(0, s.used);
  }
  return out;
}

void chunk_store::restore(saved_chunks from) {
  chunk_view made;
  made.cut = made.released_cut = from.cut;
  made.bound = made.released_bound = from.bound;
  next_ = from.next;
  for (auto& s : from.regions) {
    auto r = std::make_shared<chunk_region>();
    r->begin = s.begin;
    r->capacity = s.capacity;
    r->used = s.used;
    r->file = std::move(s.file);
    last_.reset();
    if (!r->file) {
      r->memory = std::make_unique_for_overwrite<char[]>(s.capacity);
      std::memcpy(r->memory.get(), s.bytes.data(), s.bytes.size());
      last_ = r;
      next_ = s.begin + s.used;
    }
    contents_.push_back({s.cut, s.max_ts});
    made.regions.push_back(std::move(r));
  }
  if (!last_)
    next_ = from.next;
  publish(std::move(made));
}

size_t chunk_store::memory_bytes() const {
  size_t n = 0;
  for (const auto& r : view()->regions)
    n += r->memory ? r->capacity : 0;
  return n;
}

size_t chunk_store::file_bytes() const {
  size_t n = 0;
  for (const auto& r : view()->regions)
    n += r->file ? r->used : 0;
  return n;
}

}  // namespace troupe::storage
