#include "storage/compact/scrubber.h"

#include "storage/base/log.h"

#include <algorithm>

namespace troupe::storage {
namespace {

constexpr logger log("scrub");
constexpr uint64_t step_bytes = 1u << 20;  // some milliseconds of work
/// Time that is not used counts up to this: rounds of background work lie a minute apart.
constexpr int64_t longest_credit_s = 120;

}  // namespace

scrubber::scrubber(block_store& blocks, const clock& clk, uint64_t seed, uint64_t bytes_per_s)
    : blocks_(blocks),
      clock_(clk),
      bytes_per_s_(std::min<uint64_t>(bytes_per_s, 1ULL << 40)),
      random_(seed),
      refilled_ns_(clk.monotonic_ns()),
      next_pass_ns_(refilled_ns_) {}

result<bool> scrubber::step() {
  refill();
  if (credit_ <= 0)
    return false;
  drop_replaced();
  if (!check_ && !next_block())
    return false;
  const uint64_t before = check_->bytes_done();
  const bool done = check_->step(std::min<uint64_t>(step_bytes, static_cast<uint64_t>(credit_)));
  note_bytes(check_->bytes_done() - before);
  if (done)
    TROUPE_TRY(end_check());
  return true;
}

void scrubber::refill() {
  const int64_t elapsed_ms = (clock_.monotonic_ns() - refilled_ns_) / 1'000'000;
  refilled_ns_ += elapsed_ms * 1'000'000;
  const auto rate = static_cast<int64_t>(bytes_per_s_);
  credit_ += rate * std::min(elapsed_ms, longest_credit_s * 1000) / 1000;
  credit_ = std::min(credit_, rate * longest_credit_s);
}

// A block that was merged or has expired is of no interest any more, and its files are held by us.
void scrubber::drop_replaced() {
  if (!block_)
    return;
  const auto held = blocks_.blocks();
  if (std::find(held.begin(), held.end(), block_) != held.end())
    return;
  check_.reset();
  block_.reset();
}

bool scrubber::next_block() {
  const auto held = blocks_.blocks();
  if (auto block = damaged_by_reads(held)) {
    begin_check(block);
    return true;
  }
  if (!in_pass_) {
    if (clock_.monotonic_ns() < next_pass_ns_ || held.empty())
      return false;
    begin_pass(held);
  }
  while (!waiting_.empty()) {
    const auto id = std::move(waiting_.back());
    waiting_.pop_back();
    const auto at = std::find_if(held.begin(), held.end(),
                                 [&](const block_ptr& b) { return b->meta().id == id; });
    if (at != held.end() && !tried_.contains(id)) {
      begin_check(*at);
      return true;
    }
  }
  end_pass();
  return false;
}

block_ptr scrubber::damaged_by_reads(const std::vector<block_ptr>& held) {
  for (const auto& b : held)
    if (b->damage().any() && !b->unreadable() && tried_.insert(b->meta().id).second)
      return b;
  return nullptr;
}

void scrubber::begin_pass(const std::vector<block_ptr>& held) {
  in_pass_ = true;
  next_pass_ns_ = clock_.monotonic_ns() + pass_interval_ms * 1'000'000;
  tried_.clear();
  pass_total_ = pass_done_ = 0;
  waiting_.clear();
  for (const auto& b : held) {
    waiting_.push_back(b->meta().id);
    pass_total_ += b->bytes();
  }
  std::rotate(waiting_.begin(),
              waiting_.begin() + static_cast<std::ptrdiff_t>(random_.below(waiting_.size())),
              waiting_.end());
}

void scrubber::end_pass() {
  in_pass_ = false;
  const std::lock_guard lock(mutex_);
  progress_.pass = 0;
  progress_.last_pass = clock_.now_ms();
}

void scrubber::begin_check(const block_ptr& block) {
  block_ = block;
  check_ = std::make_unique<block_check>(block);
}

void scrubber::note_bytes(uint64_t bytes) {
  credit_ -= static_cast<int64_t>(bytes);
  pass_done_ += bytes;
  const std::lock_guard lock(mutex_);
  progress_.bytes += bytes;
  if (in_pass_ && pass_total_ > 0)
    progress_.pass =
        std::min(1.0, static_cast<double>(pass_done_) / static_cast<double>(pass_total_));
}

status scrubber::end_check() {
  const auto check = std::move(check_);
  const auto block = std::move(block_);
  if (check->damages() == 0)
    return {};
  log.error("block {}: {} damaged places, the first: {}: {}", block->meta().id, check->damages(),
            check->places().front().file, check->places().front().reason);
  {
    const std::lock_guard lock(mutex_);
    progress_.damages += check->damages();
    places_.insert(places_.end(), check->places().begin(), check->places().end());
    if (places_.size() > max_places)
      places_.erase(places_.begin(), places_.end() - max_places);
  }
  tried_.insert(block->meta().id);
  if (block->unreadable())
    return {};  // is set aside by others
  // What is wrong but can be read is told and stays.
  const bool tables_hold = block->index().check_tables().ok();
  return block->damage().any() || !tables_hold ? blocks_.repair(block) : status();
}

scrub_progress scrubber::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

std::vector<damaged_place> scrubber::places() const {
  const std::lock_guard lock(mutex_);
  return places_;
}

}  // namespace troupe::storage
